import { z } from "zod";
import type { JobDefinition, NeedDefinition, SecretDefinition } from "./job-definition.ts";
import { type JobInputDefinition, jobInputsSchema } from "./job-inputs.ts";
import {
  allowFailureSchema,
  artifactsSchema,
  cacheSchema,
  durationSchema,
  environmentSchema,
  hooksSchema,
  idTokensSchema,
  imageSchema,
  legacyPolicySchema,
  needsSchema,
  parallelSchema,
  retrySchema,
  rulesSchema,
  scriptSchema,
  servicesSchema,
  textsSchema,
  triggerSchema,
  variablesSchema,
} from "./keyword-schemas.ts";
import { isPlainObject, type PlainObject } from "./plain-object.ts";
import { check, type Problems } from "./problems.ts";
import { isForRunJob, refuseScriptBesideRun, runSchema } from "./run-keyword.ts";
import { secretsSchema } from "./secrets-keyword.ts";

/** Keywords that `default:` may hold (GitLab's reference of `inherit:default`). */
const inheritable: ReadonlySet<string> = new Set([
  "after_script",
  "artifacts",
  "before_script",
  "cache",
  "hooks",
  "id_tokens",
  "identity",
  "image",
  "interruptible",
  "retry",
  "services",
  "tags",
  "timeout",
]);
const actedOn: ReadonlySet<string> = new Set([
  ...["script", "before_script", "after_script", "run", "stage", "image", "services", "variables", "inherit", "rules"],
  ...["only", "except", "when", "start_in", "allow_failure", "needs", "dependencies", "parallel", "retry", "timeout"],
  ...["tags", "cache", "artifacts", "interruptible", "resource_group", "environment", "coverage", "hooks", "id_tokens"],
  ...["trigger", "extends", "manual_confirmation", "secrets", "inputs"],
]);
/** Valid in GitLab, without effect here. */
const leftAside: ReadonlySet<string> = new Set([...["release", "pages", "publish", "identity", "dast_configuration"]]);
/** Likewise, inside keywords that are acted on otherwise. */
const partsLeftAside: Readonly<Record<string, readonly string[]>> = {
  artifacts: ["expose_as", "public", "access"],
  environment: ["on_stop", "auto_stop_in", "kubernetes"],
  trigger: ["branch"],
};

/** Reads one expanded job. Problems go to `problems`; `undefined` when the job cannot be read at all. */
export function readJob(
  name: string,
  own: PlainObject,
  defaults: PlainObject,
  problems: Problems,
): JobDefinition | undefined {
  const place = `job "${name}"`;
  checkKeywords(own, name, problems);
  const job = { ...inheritedKeywords(own, defaults), ...own };
  const read = <T>(keyword: string, schema: z.ZodType<T>): T | undefined =>
    job[keyword] == null ? undefined : check(schema, job[keyword], `${place}: ${keyword}`, problems);
  if (job["script"] == null && job["run"] == null && job["trigger"] == null) {
    problems.add(place, "has neither script, run nor trigger");
    return undefined;
  }
  refuseScriptBesideRun(job, place, problems);
  noteParts(job, name, problems);
  const trigger = read("trigger", triggerSchema);
  if (trigger !== undefined && trigger.include.length === 0) problems.ignored("trigger of another project", name);
  return {
    name,
    pipelineStage: typeof job["stage"] === "string" ? job["stage"] : "test",
    script: read("script", scriptSchema) ?? [],
    beforeScript: read("before_script", scriptSchema) ?? [],
    afterScript: read("after_script", scriptSchema) ?? [],
    run: read("run", runSchema),
    image: read("image", imageSchema),
    services: read("services", servicesSchema) ?? [],
    variables: read("variables", variablesSchema) ?? [],
    inheritsVariables: inheritsVariables(job["inherit"]),
    rules: read("rules", rulesSchema),
    only: read("only", legacyPolicySchema),
    except: read("except", legacyPolicySchema),
    when: readWhen(job["when"], place, problems),
    startInSeconds: read("start_in", durationSchema),
    allowFailure: read("allow_failure", allowFailureSchema),
    needs: readNeeds(job["needs"], name, problems),
    dependencies: read("dependencies", textsSchema),
    parallel: read("parallel", parallelSchema),
    retry: read("retry", retrySchema) ?? { max: 0, when: [], exitCodes: [] },
    timeoutSeconds: read("timeout", durationSchema),
    tags: read("tags", textsSchema) ?? [],
    cache: read("cache", cacheSchema) ?? [],
    artifacts: read("artifacts", artifactsSchema),
    interruptible: job["interruptible"] === true,
    resourceGroup: typeof job["resource_group"] === "string" ? job["resource_group"] : undefined,
    environment: read("environment", environmentSchema),
    coverage: typeof job["coverage"] === "string" ? job["coverage"] : undefined,
    preGetSources: read("hooks", hooksSchema)?.pre_get_sources_script ?? [],
    idTokens: read("id_tokens", idTokensSchema) ?? new Map<string, string[]>(),
    secrets: readSecrets(read("secrets", secretsSchema), name, problems),
    inputs: read("inputs", jobInputsSchema) ?? new Map<string, JobInputDefinition>(),
    manualConfirmation: read("manual_confirmation", z.string({ error: "expected a text" })),
    trigger,
  };
}

function noteParts(job: PlainObject, name: string, problems: Problems): void {
  for (const [keyword, parts] of Object.entries(partsLeftAside)) {
    const value = job[keyword];
    if (!isPlainObject(value)) continue;
    for (const part of parts) if (value[part] !== undefined) problems.ignored(`${keyword}: ${part}`, name);
  }
  const rules: unknown[] = Array.isArray(job["rules"]) ? job["rules"] : [];
  for (const rule of rules) {
    if (!isPlainObject(rule)) continue;
    if (rule["auto_cancel"] !== undefined)
      problems.add(`job "${name}": rules`, "auto_cancel is for workflow: rules only");
    const isForeign = isPlainObject(rule["exists"]) && rule["exists"]["project"] !== undefined;
    if (isForeign) problems.ignored("rules: exists: project (its paths are looked for in this repository)", name);
  }
}

/** GitLab's own secrets manager is part of a GitLab. */
function readSecrets(
  secrets: ReadonlyMap<string, SecretDefinition> | undefined,
  name: string,
  problems: Problems,
): ReadonlyMap<string, SecretDefinition> {
  const known = [...(secrets ?? [])].filter(([, { provider }]) => provider !== "gitlab_secrets_manager");
  if (known.length < (secrets?.size ?? 0)) problems.ignored("secrets: gitlab_secrets_manager", name);
  return new Map(known);
}

function checkKeywords(own: PlainObject, name: string, problems: Problems): void {
  for (const keyword of Object.keys(own)) {
    if (leftAside.has(keyword)) problems.ignored(keyword, name);
    else if (!actedOn.has(keyword)) problems.add(`job "${name}"`, `unknown keyword "${keyword}"`);
  }
}

function inheritedKeywords(own: PlainObject, defaults: PlainObject): PlainObject {
  const inherit = isPlainObject(own["inherit"]) ? own["inherit"]["default"] : undefined;
  if (inherit === false) return {};
  const wanted = (keyword: string) =>
    inheritable.has(keyword) && (!Array.isArray(inherit) || inherit.includes(keyword)) && isForThisJob(keyword, own);
  return Object.fromEntries(Object.entries(defaults).filter(([keyword]) => wanted(keyword)));
}

/** A trigger job runs no script, so that what only a script needs is not inherited. */
function isForThisJob(keyword: string, own: PlainObject): boolean {
  if (!isForRunJob(keyword, own)) return false;
  return own["trigger"] == null || keyword === "interruptible" || keyword === "tags";
}

function inheritsVariables(inherit: unknown): boolean | readonly string[] {
  const value = isPlainObject(inherit) ? inherit["variables"] : undefined;
  if (Array.isArray(value)) return value.map(String);
  return value !== false;
}

const whens = ["on_success", "on_failure", "always", "manual", "delayed", "never"];

function readWhen(value: unknown, place: string, problems: Problems): string {
  if (value === undefined || value === null) return "on_success";
  if (typeof value === "string" && whens.includes(value)) return value;
  problems.add(`${place}: when`, `${JSON.stringify(value)} is not one of ${whens.join(", ")}`);
  return "on_success";
}

/** Needs of other projects and pipelines cannot be had here: they are left out, and that is told. */
function readNeeds(value: unknown, name: string, problems: Problems): readonly NeedDefinition[] | undefined {
  if (value === undefined || value === null) return undefined;
  const entries: unknown[] = Array.isArray(value) ? value : [value];
  const local = entries.filter((entry) => {
    const isForeign = isPlainObject(entry) && (entry["pipeline"] !== undefined || entry["project"] !== undefined);
    if (isForeign) problems.ignored("needs of another project or pipeline", name);
    return !isForeign;
  });
  return check(needsSchema, local, `job "${name}": needs`, problems);
}
