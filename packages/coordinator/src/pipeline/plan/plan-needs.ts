import { CoordinatorError } from "../../coordinator-error.ts";
import type { MatrixEntry, NeedDefinition } from "../config/job-definition.ts";
import { combinationsOf, type JobInstance } from "./expand-parallel.ts";
import type { PlannedJob, PlannedNeed } from "./planned-job.ts";

/** A job that will run, its dependencies still as written. */
export interface DecidedJob {
  readonly instance: JobInstance;
  readonly needs: readonly NeedDefinition[] | undefined;
  readonly job: Omit<PlannedJob, "needs" | "artifactsFrom" | "stageIndex">;
}

/** What resolving names needs to know. */
export interface NeedsContext {
  readonly configPath: string;
  readonly pipelineStages: readonly string[];
  readonly excludedJobs: readonly string[];
  readonly wantedJobs: readonly string[] | undefined;
}

/**
 * Resolves `needs` and `dependencies` to jobs of this pipeline, and orders the jobs by stage. Pure.
 * @throws {CoordinatorError} `config-invalid` with every wrong name, wrong order and circle.
 */
export function planNeeds(decided: readonly DecidedJob[], context: NeedsContext): PlannedJob[] {
  const problems: string[] = [];
  const jobs = decided
    .map((entry) => resolveJob(entry, decided, context, problems))
    .sort((a, b) => a.stageIndex - b.stageIndex);
  const circle = findCircle(jobs);
  if (circle !== undefined) problems.push(`needs go in a circle: ${circle.join(" → ")}`);
  if (problems.length === 0) return jobs;
  const told = problems.map((problem) => `${context.configPath}: ${problem}`);
  throw new CoordinatorError(told.join("\n"), { code: "config-invalid", problems: told });
}

function resolveJob(
  entry: DecidedJob,
  all: readonly DecidedJob[],
  context: NeedsContext,
  problems: string[],
): PlannedJob {
  const stageIndex = context.pipelineStages.indexOf(entry.job.pipelineStage);
  const needs = entry.needs?.flatMap((need) => resolveNeed(need, entry, all, context, problems));
  return { ...entry.job, stageIndex, needs, artifactsFrom: artifactSources(entry, needs, all, context, problems) };
}

function resolveNeed(
  need: NeedDefinition,
  entry: DecidedJob,
  all: readonly DecidedJob[],
  context: NeedsContext,
  problems: string[],
): PlannedNeed[] {
  const place = `job "${entry.job.name}": needs`;
  const selector = need.matrix?.map((matrix) => fillIn(matrix, entry, place, problems));
  const found = all.filter(({ job }) => job.baseName === need.job || job.name === need.job);
  const selected = found.filter(({ instance }) => selector === undefined || selectorMatches(selector, instance.matrix));
  if (selected.length === 0 && !need.optional) problems.push(`${place}: ${notThere(need.job, context)}`);
  for (const { job } of selected) {
    if (!isLater(job.pipelineStage, entry.job.pipelineStage, context)) continue;
    problems.push(`${place}: "${job.name}" is in the later stage "${job.pipelineStage}"`);
  }
  return selected.map(({ job }) => ({ name: job.name, artifacts: need.artifacts }));
}

function isLater(stage: string, than: string, { pipelineStages }: NeedsContext): boolean {
  return pipelineStages.indexOf(stage) > pipelineStages.indexOf(than);
}

function notThere(name: string, { excludedJobs }: NeedsContext): string {
  const isExcluded = excludedJobs.some((excluded) => excluded === name || excluded.startsWith(`${name}:`));
  const why = isExcluded ? "its rules exclude it from this pipeline; use optional: true" : "there is no such job";
  return `"${name}" cannot be needed: ${why}`;
}

/** `$[[ matrix.NAME ]]` in a need stands for the needing job's own matrix value. */
function fillIn(matrix: MatrixEntry, entry: DecidedJob, place: string, problems: string[]): MatrixEntry {
  const fill = (value: string) =>
    value.replaceAll(/\$\[\[\s*matrix\.([\w-]+)\s*\]\]/g, (expression, key: string) => {
      const own = entry.instance.matrix.get(key);
      if (own === undefined) problems.push(`${place}: ${expression}: this job has no matrix variable "${key}"`);
      return own ?? "";
    });
  return new Map([...matrix].map(([key, values]) => [key, values.map(fill)]));
}

function selectorMatches(selector: readonly MatrixEntry[], matrix: ReadonlyMap<string, string>): boolean {
  return selector
    .flatMap(combinationsOf)
    .some((wanted) => wanted.size > 0 && [...wanted].every(([key, value]) => matrix.get(key) === value));
}

/** `dependencies` names them; else `needs` does; else all of earlier stages (GitLab's reference of `dependencies`). */
function artifactSources(
  entry: DecidedJob,
  needs: readonly PlannedNeed[] | undefined,
  all: readonly DecidedJob[],
  context: NeedsContext,
  problems: string[],
): PlannedJob["artifactsFrom"] {
  const { dependencies } = entry.instance.definition;
  const fromNeeds = needs?.filter(({ artifacts }) => artifacts).map(({ name }) => name);
  if (dependencies === undefined) return fromNeeds ?? "earlier-stages";
  return dependencies.flatMap((name) => {
    const found = all.filter(({ job }) => job.baseName === name || job.name === name);
    const isExcluded = context.excludedJobs.some((excluded) => excluded === name || excluded.startsWith(`${name}:`));
    if (found.length === 0 && !isExcluded && context.wantedJobs === undefined) {
      problems.push(`job "${entry.job.name}": dependencies: there is no job "${name}"`);
    }
    return found.map(({ job }) => job.name).filter((source) => fromNeeds?.includes(source) ?? true);
  });
}

/** Names along a circle of needs, the first one repeated at the end. */
function findCircle(jobs: readonly PlannedJob[]): string[] | undefined {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const done = new Set<string>();
  const walk = (name: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const need of byName.get(name)?.needs ?? []) {
      const circle = walk(need.name, [...path, name]);
      if (circle !== undefined) return circle;
    }
    done.add(name);
    return undefined;
  };
  for (const { name } of jobs) {
    const circle = walk(name, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
