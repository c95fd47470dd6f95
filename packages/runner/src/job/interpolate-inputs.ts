import type { EvaluationContext, Value } from "@jobscope/functions/expression";
import type { ArtifactSet, CacheEntry, Job, JobImage, JobInput, ScriptStep } from "../coordinator-client/job.ts";
import { JobFailure } from "./job-failure.ts";
import { mapTexts } from "./map-texts.ts";

/** Replaces the expressions in one text. `place`: where the text stands, for the error. */
type Interpolate = (text: string, place: string) => string;

/**
 * The job with every `${{ job.inputs.NAME }}` replaced, in its scripts, images, services, artifacts and caches. A job
 * without inputs is returned as it is, whatever its texts hold; `run` is the functions engine's business.
 *
 * @throws {JobFailure} `runner_configuration_error` for an expression that cannot be read or evaluated, and for one whose
 *   result is sensitive.
 *
 * Rule: runner-protocol.md §1.8.8, ci-functions.md §7.13.
 */
export async function interpolateInputs(job: Job): Promise<Job> {
  if (job.inputs.length === 0) return job;
  const interpolate = await createInterpolation(job.inputs);
  return {
    ...job,
    scriptSteps: job.scriptSteps.map((step) => stepWith(step, interpolate)),
    image: job.image && imageWith(job.image, "image", interpolate),
    services: job.services.map((service, index) => imageWith(service, `services[${index}]`, interpolate)),
    artifacts: job.artifacts.map((set, index) => artifactsWith(set, `artifacts[${index}]`, interpolate)),
    caches: job.caches.map((entry, index) => cacheWith(entry, `cache[${index}]`, interpolate)),
  };
}

/** The expression language is loaded for jobs that have inputs. */
async function createInterpolation(inputs: readonly JobInput[]): Promise<Interpolate> {
  const { ExpressionError, evaluateText, parseTemplate, valueFromJson } = await import(
    "@jobscope/functions/expression"
  );
  const values = inputs.map(({ key, content, isSensitive }): [string, Value] => {
    try {
      return [key, valueFromJson(content, isSensitive ? [`job.inputs.${key}`] : undefined)];
    } catch (error) {
      throw failure(`input ${key}`, error instanceof Error ? error.message : String(error));
    }
  });
  const context: EvaluationContext = new Map([["job", objectOf([["inputs", objectOf(values)]])]]);

  return (text, place) => {
    // Without an expression, or an escaped one, a text is itself, however long.
    if (!text.includes("${{")) return text;
    try {
      const { text: result, marks } = evaluateText(parseTemplate(text), context);
      if (marks === undefined) return result;
      throw failure(place, `${marks.join(", ")} is sensitive, and sensitive inputs cannot be used here`);
    } catch (error) {
      if (error instanceof ExpressionError) throw failure(place, error.message);
      throw error;
    }
  };
}

function objectOf(entries: [string, Value][]): Value {
  return { kind: "object", entries: new Map(entries), marks: undefined };
}

function failure(place: string, why: string): JobFailure {
  return new JobFailure(`failed to interpolate job inputs: ${place}: ${why}`, { reason: "runner_configuration_error" });
}

/** The scripts that are interpolated; those of other steps, `release` say, are not. */
const interpolatedSteps: ReadonlySet<string> = new Set(["script", "after_script"]);

function stepWith(step: ScriptStep, interpolate: Interpolate): ScriptStep {
  if (!interpolatedSteps.has(step.name)) return step;
  return { ...step, script: allWith(step.script, step.name, interpolate) };
}

function imageWith(image: JobImage, place: string, interpolate: Interpolate): JobImage {
  return {
    ...image,
    name: interpolate(image.name, `${place}.name`),
    command: allWith(image.command, `${place}.command`, interpolate),
    entrypoint: allWith(image.entrypoint, `${place}.entrypoint`, interpolate),
    pullPolicies: allWith(image.pullPolicies, `${place}.pull_policy`, interpolate),
    executorOptions: mapTexts(image.executorOptions, (text) => interpolate(text, `${place}.executor_opts`)),
  };
}

function artifactsWith(set: ArtifactSet, place: string, interpolate: Interpolate): ArtifactSet {
  return {
    ...set,
    name: interpolate(set.name, `${place}.name`),
    paths: allWith(set.paths, `${place}.paths`, interpolate),
    exclude: allWith(set.exclude, `${place}.exclude`, interpolate),
    when: interpolate(set.when, `${place}.when`),
    expireIn: interpolate(set.expireIn, `${place}.expire_in`),
  };
}

function cacheWith(entry: CacheEntry, place: string, interpolate: Interpolate): CacheEntry {
  return {
    ...entry,
    key: interpolate(entry.key, `${place}.key`),
    policy: interpolate(entry.policy, `${place}.policy`),
    paths: allWith(entry.paths, `${place}.paths`, interpolate),
    when: interpolate(entry.when, `${place}.when`),
    fallbackKeys: allWith(entry.fallbackKeys, `${place}.fallback_keys`, interpolate),
  };
}

function allWith(texts: readonly string[], place: string, interpolate: Interpolate): string[] {
  return texts.map((text, index) => interpolate(text, `${place}[${index}]`));
}
