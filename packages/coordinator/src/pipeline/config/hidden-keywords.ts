import { isPlainObject, type PlainObject } from "./plain-object.ts";
import { revealSteps, sealSteps } from "./sealed-steps.ts";
import { Reference } from "./yaml-document.ts";

/*
 * `gitlab-ci-local --preview` (4.75) resolves `include`, `extends`, `!reference` and inputs well, but it rewrites what it
 * knows: it drops `cache:fallback_keys`, `cache:untracked`, image and service options, `variables:expand` and all of
 * `default:` but six keywords, refuses `run:`, and evaluates `rules` of its own accord. So the keywords of each job travel
 * through it in one mapping that it does not know and therefore merges as plain data; what comes out is revealed again.
 */

/** Key that holds a job's keywords on the way through the expansion. */
const hiddenKey = "jobscope_hidden";
/** Job that holds the file-wide keywords on the way. */
const globalsJob = "jobscope globals";

const untouchedTopLevel: ReadonlySet<string> = new Set(["stages", "include", "spec"]);
const globalKeywords: ReadonlySet<string> = new Set(["default", "variables", "workflow"]);
/** Deprecated file-wide spelling of what belongs under `default:`. */
const globalDefaults: ReadonlySet<string> = new Set(["image", "services", "cache", "before_script", "after_script"]);

/** Prepares one document of a configuration file for the expansion. Values that are no mapping pass unchanged. */
export function hideKeywords(document: unknown): unknown {
  if (!isPlainObject(document)) return document;
  const hidden: PlainObject = {};
  const globals: PlainObject = {};
  for (const [key, raw] of Object.entries(document)) {
    const value = redirectReferences(raw);
    if (untouchedTopLevel.has(key)) hidden[key] = value;
    else if (globalKeywords.has(key)) globals[key] = mergeIfMappings(globals[key], value);
    else if (globalDefaults.has(key)) globals["default"] = mergeIfMappings({ [key]: value }, globals["default"]);
    else if (isPlainObject(value)) hidden[key] = hideJob(key, value);
    else hidden[key] = value;
  }
  if (Object.keys(globals).length > 0) hidden[globalsJob] = { stage: ".pre", script: [":"], [hiddenKey]: globals };
  return hidden;
}

function hideJob(name: string, keywords: PlainObject): PlainObject {
  const { extends: parents, ...others } = keywords;
  const job: PlainObject = { [hiddenKey]: sealSteps(others) };
  if (parents !== undefined) job["extends"] = parents;
  if (others["stage"] !== undefined) job["stage"] = others["stage"];
  if (!name.startsWith(".")) job["script"] = [":"];
  return job;
}

function mergeIfMappings(under: unknown, over: unknown): unknown {
  return isPlainObject(under) && isPlainObject(over) ? { ...under, ...over } : (over ?? under);
}

/** `!reference [.job, script]` must look where `script` now is. */
function redirectReferences(value: unknown): unknown {
  if (value instanceof Reference) return redirect(value);
  if (Array.isArray(value)) return value.map(redirectReferences);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redirectReferences(inner)]));
}

function redirect(reference: Reference): Reference {
  const [top, ...rest] = reference.path;
  if (top === undefined || untouchedTopLevel.has(top)) return reference;
  if (globalKeywords.has(top)) return new Reference([globalsJob, hiddenKey, top, ...rest]);
  if (globalDefaults.has(top)) return new Reference([globalsJob, hiddenKey, "default", top, ...rest]);
  return rest.length === 0 ? reference : new Reference([top, hiddenKey, ...rest]);
}

/** The expanded configuration: every keyword where the user wrote it, `extends` and `!reference` resolved. */
export interface RevealedConfig {
  readonly pipelineStages: unknown;
  readonly default: PlainObject;
  readonly variables: PlainObject;
  readonly workflow: PlainObject;
  /** Visible jobs only, in order of definition. */
  readonly jobs: ReadonlyMap<string, PlainObject>;
}

/** Undoes {@link hideKeywords} on what the expansion printed. */
export function revealKeywords(expanded: unknown): RevealedConfig {
  const top = isPlainObject(expanded) ? expanded : {};
  const globals = hiddenPart(top[globalsJob]);
  const jobs = new Map<string, PlainObject>();
  for (const [name, job] of Object.entries(top)) {
    if (name === globalsJob || name.startsWith(".") || untouchedTopLevel.has(name) || !isPlainObject(job)) continue;
    jobs.set(name, revealSteps(hiddenPart(job)));
  }
  return {
    pipelineStages: top["stages"],
    default: asMapping(globals["default"]),
    variables: asMapping(globals["variables"]),
    workflow: asMapping(globals["workflow"]),
    jobs,
  };
}

function hiddenPart(job: unknown): PlainObject {
  return isPlainObject(job) ? asMapping(job[hiddenKey]) : {};
}

function asMapping(value: unknown): PlainObject {
  return isPlainObject(value) ? value : {};
}

/** Takes our detour out of a message of the expansion, so that users read their own words. */
export function revealInMessage(message: string): string {
  return message.replaceAll(`${hiddenKey}, `, "").replaceAll(`${globalsJob}, `, "").replaceAll(`.${hiddenKey}`, "");
}
