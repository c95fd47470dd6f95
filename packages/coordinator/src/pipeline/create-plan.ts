import type { ChildEnvironment } from "../child-environment.ts";
import { CoordinatorError } from "../coordinator-error.ts";
import type { PipelineRequest, VariableInput } from "../coordinator-options.ts";
import { captureRepository, type ServedRepository, type UrlRewrite } from "../repository/capture-repository.ts";
import { listChangedFiles, listFiles, readFiles } from "../repository/commit-files.ts";
import type { Git } from "../repository/git.ts";
import { findNamedCommit } from "../repository/named-commit.ts";
import { readRepositoryFacts } from "../repository/repository-facts.ts";
import type { WorkTree } from "../repository/work-tree.ts";
import { expandConfig } from "./config/expand-config.ts";
import { type PipelineConfig, readConfig, readRules } from "./config/read-config.ts";
import { type PlannedPipeline, planPipeline } from "./plan/plan-pipeline.ts";
import { decideRules, type RuleContext } from "./rules/decide-rules.ts";
import { expandFully, lookupIn, resolveVariables } from "./variables/expand-variables.ts";
import { factsAsVariables, type PipelineFacts } from "./variables/predefined-variables.ts";
import { type Variable, variable } from "./variables/variable.ts";

/** Where a plan's project is known from. */
export interface PlanTarget {
  readonly projectId: number;
  /** `group/project`. */
  readonly projectPath: string;
  readonly serverUrl: string;
  /** Folder for bare repositories. */
  readonly storeDir: string;
}

/** A commit that pipelines can be made of. */
export interface RecordedSource {
  /** Bare repository that has the commit. */
  readonly folder: string;
  readonly facts: PipelineFacts;
  readonly repositories: readonly ServedRepository[];
  readonly rewrites: readonly UrlRewrite[];
  readonly hasUncommittedChanges: boolean;
  /** The user's `origin`, from where `include: project` is resolved. */
  readonly remoteUrl: string | undefined;
  readonly warnings: readonly string[];
}

/** What to plan of a commit. */
export interface PlanRequest {
  /** Files that the commit does not have, by path: what a trigger job puts together. */
  readonly extraFiles?: ReadonlyMap<string, string>;
  readonly jobs?: readonly string[] | undefined;
  readonly projectVariables: readonly Variable[];
  readonly pipelineVariables: readonly Variable[];
  readonly signal?: AbortSignal | undefined;
}

/** A planned pipeline and all that starting it needs. */
export interface CreatedPlan {
  readonly planned: PlannedPipeline;
  readonly config: PipelineConfig;
  readonly source: RecordedSource;
  readonly projectVariables: readonly Variable[];
  readonly pipelineVariables: readonly Variable[];
  readonly warnings: readonly string[];
}

/** GitLab's setting of new projects. */
const defaultTimeoutSeconds = 3600;

/**
 * Records a work tree for pipelines, or a commit of a bare repository.
 * @throws {CoordinatorError} `git-failed`, `not-found` for the ref, `not-a-repository` for a bare one without a ref.
 */
export async function recordSource(
  git: Git,
  workTree: WorkTree,
  target: PlanTarget,
  request: PipelineRequest,
): Promise<RecordedSource> {
  const { projectId, projectPath, serverUrl, storeDir } = target;
  if (workTree.isBare && request.ref === undefined) {
    throw new CoordinatorError(`${workTree.topLevel} is a bare repository, without a work tree; name a branch or tag`, {
      code: "not-a-repository",
    });
  }
  const named = request.ref === undefined ? undefined : await findNamedCommit(git, workTree, request.ref);
  const served = { storeDir, servedPath: `${projectPath}.git` };
  const captured = await captureRepository(git, workTree, served, { commit: named?.sha });
  const folder = captured.repositories[0]?.folder ?? "";
  const facts: PipelineFacts = {
    ...{ projectId, projectPath, serverUrl },
    ...(await readRepositoryFacts(git, workTree, folder, captured.snapshot, named)),
    ...(request.beforeSha === undefined ? {} : { beforeSha: request.beforeSha }),
    sha: captured.snapshot.sha,
    source: request.source ?? "push",
    configPath: request.configPath ?? ".gitlab-ci.yml",
  };
  const { repositories, rewrites, warnings } = captured;
  const { hasUncommittedChanges } = captured.snapshot;
  const remoteUrl = workTree.config.get("remote.origin.url");
  return { folder, facts, repositories, rewrites, hasUncommittedChanges, remoteUrl, warnings };
}

/**
 * Expands a commit's configuration and decides the jobs.
 * @throws {CoordinatorError} `config-missing`, `config-invalid`, `no-jobs`, `unknown-job`, `git-failed`.
 */
export async function createPlan(
  git: Git,
  source: RecordedSource,
  request: PlanRequest,
  environment: ChildEnvironment,
): Promise<CreatedPlan> {
  const { folder, facts } = source;
  const { projectVariables, pipelineVariables, extraFiles = new Map<string, string>() } = request;
  const objectIds = await listFiles(git, folder, facts.sha);
  const files = [...objectIds.keys()];
  const base = { predefined: factsAsVariables(facts), projectVariables, pipelineVariables };
  const lookup = lookupIn(resolveVariables([...base.predefined, ...projectVariables, ...pipelineVariables]));
  const isKnown = !/^0+$/.test(facts.beforeSha);
  const changes = isKnown ? await listChangedFiles(git, folder, facts.beforeSha, facts.sha) : undefined;
  const context = { ref: facts.ref, isTag: facts.isTag, source: facts.source, files, changedFiles: () => changes };
  const yamlPaths = files.filter((path) => /\.ya?ml$/.test(path) || path === facts.configPath);
  const expanded = await expandConfig({
    configPath: facts.configPath,
    yamlFiles: new Map([...(await readFiles(git, folder, facts.sha, yamlPaths)), ...extraFiles]),
    lookup,
    isIncluded: (rules) => isIncluded(rules, { ...context, lookup }),
    remoteUrl: source.remoteUrl,
    environment,
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  const config = readConfig(expanded, facts.configPath);
  const compared = await collectComparisons(
    git,
    folder,
    facts,
    comparedRefs(config).map((ref) => expandFully(ref, lookup)),
  );
  const planned = planPipeline(config, {
    ...{ ...context, ...base, objectIds, defaultTimeoutSeconds },
    changedFiles: (ref) => (ref === undefined ? changes : compared.get(ref)),
    configPath: facts.configPath,
    wantedJobs: request.jobs,
  });
  const warnings = [...config.warnings, ...planned.warnings, ...source.warnings];
  return { planned, config, source, projectVariables, pipelineVariables, warnings };
}

/** A variable as someone outside gave it. */
export function asVariable(input: VariableInput): Variable {
  const { key, value, masked = false, file = false, raw = false } = input;
  return variable(key, value, { public: false, masked, file, raw });
}

/** An include without valid rules is included: what is wrong with them is then told for the whole configuration. */
function isIncluded(rules: unknown, context: RuleContext): boolean {
  const read = readRules(rules);
  return read === undefined || decideRules(read, context) !== undefined;
}

function comparedRefs(config: PipelineConfig): string[] {
  const rules = [...(config.workflowRules ?? []), ...config.jobs.flatMap((job) => job.rules ?? [])];
  return [...new Set(rules.flatMap((rule) => rule.changes?.compareTo ?? []))];
}

/** Asks git once for each ref that a rule compares with, so that deciding the rules stays pure. */
async function collectComparisons(
  git: Git,
  folder: string,
  facts: PipelineFacts,
  refs: readonly string[],
): Promise<ReadonlyMap<string, readonly string[] | undefined>> {
  const byRef = new Map<string, readonly string[] | undefined>();
  for (const ref of refs) {
    const commit = await git.maybe(["-C", folder, "rev-parse", "--verify", "--quiet", `${ref}^{commit}`]);
    byRef.set(ref, commit === undefined ? undefined : await listChangedFiles(git, folder, commit, facts.sha));
  }
  return byRef;
}
