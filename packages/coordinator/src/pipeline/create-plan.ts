import type { ChildEnvironment } from "../child-environment.ts";
import type { PipelineRequest, VariableInput } from "../coordinator-options.ts";
import { type CapturedRepository, captureRepository } from "../repository/capture-repository.ts";
import { listChangedFiles, listFiles, readFiles } from "../repository/commit-files.ts";
import type { Git } from "../repository/git.ts";
import { readRepositoryFacts } from "../repository/repository-facts.ts";
import { findWorkTree, type WorkTree } from "../repository/work-tree.ts";
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

/** A planned pipeline and all that starting it needs. */
export interface CreatedPlan {
  readonly planned: PlannedPipeline;
  readonly config: PipelineConfig;
  readonly captured: CapturedRepository;
  readonly facts: PipelineFacts;
  readonly projectVariables: readonly Variable[];
  readonly pipelineVariables: readonly Variable[];
  readonly warnings: readonly string[];
}

/** GitLab's setting of new projects. */
const defaultTimeoutSeconds = 3600;

/**
 * Records the work tree, expands its configuration and decides the jobs.
 * @throws {CoordinatorError} `config-missing`, `config-invalid`, `no-jobs`, `unknown-job`, `git-failed`.
 */
export async function createPlan(
  git: Git,
  source: WorkTree,
  target: PlanTarget,
  request: PipelineRequest,
  environment: ChildEnvironment,
): Promise<CreatedPlan> {
  const captured = await captureRepository(git, source, {
    storeDir: target.storeDir,
    servedPath: `${target.projectPath}.git`,
  });
  const folder = captured.repositories[0]?.folder ?? "";
  const { sha } = captured.snapshot;
  const configPath = request.configPath ?? ".gitlab-ci.yml";
  const facts: PipelineFacts = {
    projectId: target.projectId,
    projectPath: target.projectPath,
    serverUrl: target.serverUrl,
    ...(await readRepositoryFacts(git, source, folder, captured.snapshot)),
    sha,
    source: request.source ?? "push",
    configPath,
  };
  const objectIds = await listFiles(git, folder, sha);
  const files = [...objectIds.keys()];
  const base = {
    predefined: factsAsVariables(facts),
    projectVariables: (request.projectVariables ?? []).map(asVariable),
    pipelineVariables: (request.variables ?? []).map(asVariable),
  };
  const lookup = lookupIn(resolveVariables([...base.predefined, ...base.projectVariables, ...base.pipelineVariables]));
  const changes = await collectChanges(git, folder, facts, []);
  const context = { ref: facts.ref, isTag: facts.isTag, source: facts.source, files, changedFiles: changes };
  const expanded = await expandConfig({
    configPath,
    yamlFiles: await readFiles(
      git,
      folder,
      sha,
      files.filter((path) => /\.ya?ml$/.test(path) || path === configPath),
    ),
    lookup,
    isIncluded: (rules) => isIncluded(rules, { ...context, lookup }),
    remoteUrl: await git.maybe(["config", "remote.origin.url"], { cwd: source.topLevel }),
    environment,
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  const config = readConfig(expanded, configPath);
  const compared = comparedRefs(config).map((ref) => expandFully(ref, lookup));
  const planned = planPipeline(config, {
    ...context,
    ...base,
    changedFiles: await collectChanges(git, folder, facts, compared),
    configPath,
    objectIds,
    wantedJobs: request.jobs,
    defaultTimeoutSeconds,
  });
  const warnings = [...config.warnings, ...planned.warnings, ...captured.warnings];
  return { planned, config, captured, facts, ...base, warnings };
}

function asVariable(input: VariableInput): Variable {
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
async function collectChanges(
  git: Git,
  folder: string,
  facts: PipelineFacts,
  compared: readonly string[],
): Promise<RuleContext["changedFiles"]> {
  const isKnown = !/^0+$/.test(facts.beforeSha);
  const byRef = new Map<string | undefined, readonly string[] | undefined>();
  byRef.set(undefined, isKnown ? await listChangedFiles(git, folder, facts.beforeSha, facts.sha) : undefined);
  for (const ref of compared) {
    const commit = await git.maybe(["-C", folder, "rev-parse", "--verify", "--quiet", `${ref}^{commit}`]);
    byRef.set(ref, commit === undefined ? undefined : await listChangedFiles(git, folder, commit, facts.sha));
  }
  return (ref) => byRef.get(ref);
}

/** The work tree and the path that its project has here. */
export async function locateProject(
  git: Git,
  repository: string,
): Promise<{ source: WorkTree; originUrl: string | undefined }> {
  const source = await findWorkTree(git, repository);
  return { source, originUrl: await git.maybe(["config", "remote.origin.url"], { cwd: source.topLevel }) };
}
