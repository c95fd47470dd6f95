import { CoordinatorError } from "../../coordinator-error.ts";
import type { JobDefinition, YamlVariable } from "../config/job-definition.ts";
import type { PipelineConfig } from "../config/read-config.ts";
import { decideLegacy, decideRules, type RuleContext, type RuleDecision } from "../rules/decide-rules.ts";
import { ExpressionError } from "../rules/expression-tokens.ts";
import { expandFully, lookupIn, resolveVariables } from "../variables/expand-variables.ts";
import { type Variable, variable } from "../variables/variable.ts";
import { resolveCacheKey } from "./cache-keys.ts";
import { expandParallel, type JobInstance } from "./expand-parallel.ts";
import { type DecidedJob, planNeeds } from "./plan-needs.ts";
import type { PlannedJob } from "./planned-job.ts";

/** What the plan is made from, besides the configuration. */
export interface PlanContext extends Omit<RuleContext, "lookup"> {
  readonly configPath: string;
  /** Predefined ones, as far as they exist before the pipeline does. */
  readonly predefined: readonly Variable[];
  readonly projectVariables: readonly Variable[];
  readonly pipelineVariables: readonly Variable[];
  /** Git object ids by path, for `cache: key: files`. */
  readonly objectIds: ReadonlyMap<string, string>;
  /** Only these jobs, by name or base name, and what they need. */
  readonly wantedJobs: readonly string[] | undefined;
  /** GitLab's project setting. Seconds, 3600. */
  readonly defaultTimeoutSeconds: number;
}

/** The jobs of a pipeline, decided. */
export interface PlannedPipeline {
  readonly jobs: readonly PlannedJob[];
  readonly excludedJobs: readonly string[];
  readonly name: string | undefined;
  readonly autoCancel: {
    readonly on_new_commit: "conservative" | "interruptible" | "none";
    readonly on_job_failure: "all" | "none";
  };
  readonly warnings: readonly string[];
}

/**
 * Decides which jobs a pipeline has and how they depend on each other. Pure.
 * @throws {CoordinatorError} `config-invalid`, `no-jobs`, `unknown-job`.
 */
export function planPipeline(config: PipelineConfig, context: PlanContext): PlannedPipeline {
  const root = config.variables.map(asVariable);
  const workflow = decideWorkflow(config, root, context);
  const fileVariables = [...root, ...(workflow?.variables ?? []).map(asVariable)];
  const excludedJobs: string[] = [];
  const warnings: string[] = [];
  const decided: DecidedJob[] = [];
  for (const definition of config.jobs) {
    if (definition.trigger !== undefined && definition.trigger.include.length === 0) continue;
    for (const instance of expandParallel(definition)) {
      const job = decideJob(instance, fileVariables, context);
      if (job === undefined) excludedJobs.push(instance.name);
      else decided.push(job);
    }
  }
  const wanted = selectJobs(decided, excludedJobs, context);
  if (wanted.length === 0) throw noJobs(excludedJobs, context);
  const jobs = planNeeds(wanted, { ...context, excludedJobs, pipelineStages: config.pipelineStages });
  const lookup = lookupIn(resolveVariables(inOrder(fileVariables, context)));
  const name = config.workflowName && expandFully(config.workflowName, lookup);
  const autoCancel = {
    on_new_commit: workflow?.autoCancel?.on_new_commit ?? config.autoCancel.on_new_commit ?? "conservative",
    on_job_failure: workflow?.autoCancel?.on_job_failure ?? config.autoCancel.on_job_failure ?? "none",
  };
  return { jobs, excludedJobs, name, autoCancel, warnings: [...warnings, ...missingProviders(jobs, lookup)] };
}

function asVariable(entry: YamlVariable): Variable {
  return variable(entry.key, entry.value, { raw: entry.raw });
}

/** Weakest first: predefined, file, project, pipeline (GitLab's "CI/CD variable precedence"). */
function inOrder(fileVariables: readonly Variable[], context: PlanContext): Variable[] {
  return [...context.predefined, ...fileVariables, ...context.projectVariables, ...context.pipelineVariables];
}

function decideWorkflow(
  config: PipelineConfig,
  root: readonly Variable[],
  context: PlanContext,
): RuleDecision | undefined {
  if (config.workflowRules === undefined) return undefined;
  const lookup = lookupIn(resolveVariables(inOrder(root, context)));
  const decision = inFile(context, "workflow: rules", () =>
    decideRules(config.workflowRules ?? [], { ...context, lookup }),
  );
  if (decision !== undefined) return decision;
  throw new CoordinatorError(`${context.configPath}: workflow: rules keep this pipeline from running`, {
    code: "no-jobs",
  });
}

function inFile<T>(context: PlanContext, place: string, decide: () => T): T {
  try {
    return decide();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const problem = `${context.configPath}: ${place}: ${error.message}`;
    throw new CoordinatorError(problem, { code: "config-invalid", cause: error, problems: [problem] });
  }
}

function decideJob(
  instance: JobInstance,
  fileVariables: readonly Variable[],
  context: PlanContext,
): DecidedJob | undefined {
  const { definition } = instance;
  const yamlVariables = [
    ...inheritedVariables(definition, fileVariables),
    ...definition.variables.map(asVariable),
    ...[...instance.matrix].map(([key, value]) => variable(key, value)),
  ];
  const lookup = lookupIn(resolveVariables(inOrder(yamlVariables, context)));
  const decision = inFile(context, `job "${definition.name}": rules`, () =>
    decideWhether(definition, { ...context, lookup }),
  );
  if (decision === undefined) return undefined;
  const allVariables = [...yamlVariables, ...decision.variables.map(asVariable)];
  const lookupAll = lookupIn(resolveVariables(inOrder(allVariables, context)));
  return {
    instance,
    needs: decision.needs ?? definition.needs,
    job: assemble({ instance, decision, yamlVariables: allVariables, context, lookup: lookupAll }),
  };
}

function inheritedVariables(definition: JobDefinition, fileVariables: readonly Variable[]): readonly Variable[] {
  const inherits = definition.inheritsVariables;
  if (inherits === true) return fileVariables;
  return inherits === false ? [] : fileVariables.filter(({ key }) => inherits.includes(key));
}

function decideWhether(definition: JobDefinition, context: RuleContext): RuleDecision | undefined {
  if (definition.rules !== undefined) return decideRules(definition.rules, context);
  return decideLegacy(definition.only, definition.except, context) && definition.when !== "never"
    ? { variables: [] }
    : undefined;
}

interface Assembly {
  readonly instance: JobInstance;
  readonly decision: RuleDecision;
  readonly yamlVariables: readonly Variable[];
  readonly context: PlanContext;
  readonly lookup: (name: string) => string | undefined;
}

function assemble({
  instance,
  decision,
  yamlVariables,
  context,
  lookup,
}: Assembly): Omit<PlannedJob, "needs" | "artifactsFrom" | "stageIndex"> {
  const { definition } = instance;
  const expand = (text: string) => expandFully(text, lookup);
  const { environment, artifacts, trigger } = definition;
  return {
    name: instance.name,
    baseName: definition.name,
    pipelineStage: definition.pipelineStage,
    script: [...definition.beforeScript, ...definition.script],
    afterScript: definition.afterScript,
    preGetSources: definition.preGetSources,
    run: definition.run,
    image: definition.image,
    services: definition.services,
    yamlVariables,
    when: (decision.when ?? definition.when) as PlannedJob["when"],
    startInSeconds: decision.startInSeconds ?? definition.startInSeconds,
    // A manual job without rules may fail; one that a rule made manual blocks (GitLab's Entry::Processable#ignored?).
    allowFailure: decision.allowFailure ?? definition.allowFailure ?? definition.when === "manual",
    retry: definition.retry,
    timeoutSeconds: definition.timeoutSeconds ?? context.defaultTimeoutSeconds,
    tags: definition.tags.map(expand),
    cache: definition.cache.map((cache) => resolveCacheKey(cache, context.objectIds, expand)),
    artifacts: artifacts && { ...artifacts, reports: Object.fromEntries(artifacts.reports) },
    interruptible: decision.interruptible ?? definition.interruptible,
    resourceGroup: definition.resourceGroup && expand(definition.resourceGroup),
    environment: environment && { ...environment, name: expand(environment.name) },
    coverage: definition.coverage,
    idTokens: Object.fromEntries([...definition.idTokens].map(([name, audiences]) => [name, audiences.map(expand)])),
    secrets: Object.fromEntries(definition.secrets),
    inputs: Object.fromEntries(definition.inputs),
    manualConfirmation: definition.manualConfirmation && expand(definition.manualConfirmation),
    node: instance.node,
    childPipeline: trigger,
  };
}

/** The named jobs and, transitively, what they need; a named `manual` job is meant to run. */
function selectJobs(decided: readonly DecidedJob[], excluded: readonly string[], context: PlanContext): DecidedJob[] {
  if (context.wantedJobs === undefined || context.wantedJobs.length === 0) return [...decided];
  const chosen = new Set<DecidedJob>();
  const add = (name: string): boolean => {
    const found = decided.filter(({ job }) => job.name === name || job.baseName === name);
    for (const entry of found) {
      if (chosen.has(entry)) continue;
      chosen.add(entry);
      for (const need of [
        ...(entry.needs ?? []).map(({ job }) => job),
        ...(entry.instance.definition.dependencies ?? []),
      ])
        add(need);
    }
    return found.length > 0;
  };
  for (const name of context.wantedJobs) if (!add(name)) throw unknownJob(name, decided, excluded, context);
  const isNamed = ({ job }: DecidedJob) =>
    context.wantedJobs?.includes(job.name) || context.wantedJobs?.includes(job.baseName);
  return decided
    .filter((entry) => chosen.has(entry))
    .map((entry) => (isNamed(entry) ? { ...entry, job: { ...entry.job, when: startNow(entry.job.when) } } : entry));
}

function startNow(when: PlannedJob["when"]): PlannedJob["when"] {
  return when === "manual" || when === "delayed" ? "on_success" : when;
}

function unknownJob(
  name: string,
  decided: readonly DecidedJob[],
  excluded: readonly string[],
  context: PlanContext,
): CoordinatorError {
  if (excluded.some((excludedName) => excludedName === name || excludedName.startsWith(`${name}:`))) {
    return new CoordinatorError(`job "${name}" is in ${context.configPath}, but its rules exclude it here`, {
      code: "unknown-job",
    });
  }
  const known = [...new Set(decided.map(({ job }) => job.baseName))].join(", ");
  return new CoordinatorError(`there is no job "${name}" in ${context.configPath}; it has: ${known}`, {
    code: "unknown-job",
  });
}

function noJobs(excluded: readonly string[], context: PlanContext): CoordinatorError {
  const why = excluded.length === 0 ? "it defines no jobs" : `rules exclude all of its jobs (${excluded.join(", ")})`;
  return new CoordinatorError(`${context.configPath}: nothing to run: ${why}`, { code: "no-jobs" });
}

/** The variable without which a provider of `secrets:` cannot be found (GitLab's documentation of each). */
const providerVariables = {
  vault: "VAULT_SERVER_URL",
  gcp_secret_manager: "GCP_PROJECT_NUMBER",
  azure_key_vault: "AZURE_KEY_VAULT_SERVER_URL",
  aws_secrets_manager: undefined,
  gitlab_secrets_manager: undefined,
} as const;

function missingProviders(jobs: readonly PlannedJob[], lookup: (name: string) => string | undefined): string[] {
  const missing = new Map<string, string[]>();
  for (const { name, secrets, yamlVariables } of jobs) {
    for (const { provider } of Object.values(secrets)) {
      const needed = providerVariables[provider];
      if (needed === undefined || lookup(needed) || yamlVariables.some(({ key }) => key === needed)) continue;
      missing.set(needed, [...new Set([...(missing.get(needed) ?? []), name])]);
    }
  }
  return [...missing].map(
    ([needed, names]) => `secrets of ${names.join(", ")} cannot be read: the variable ${needed} is not set`,
  );
}
