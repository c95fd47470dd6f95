import { z } from "zod";
import { parseDuration } from "./duration.ts";
import type {
  AllowFailure,
  ArtifactsDefinition,
  CacheDefinition,
  EnvironmentDefinition,
  ImageDefinition,
  ImagePort,
  LegacyPolicy,
  MatrixEntry,
  NeedDefinition,
  RetryDefinition,
  RuleDefinition,
  TriggerDefinition,
  YamlVariable,
} from "./job-definition.ts";
import { isPlainObject, type PlainObject } from "./plain-object.ts";

/* Each schema reads every spelling that GitLab's `.gitlab-ci.yml` reference allows for one keyword into one form. */

const text = z.string();
const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const oneOrMany = z
  .union([text, z.array(z.unknown())], { error: "expected text or a list of texts" })
  .transform((value) => (Array.isArray(value) ? value.flat(10) : [value]))
  .pipe(z.array(scalar));
const texts = z.array(scalar, { error: "expected a list of texts" });
const optionalTexts = z.union([scalar.transform((value) => [value]), texts]);

/** Lines of a script: text, or lists of texts nested up to 10 deep. */
export const scriptSchema = oneOrMany;

/** `1h 30m`, in seconds. */
export const durationSchema = z
  .union([text, z.number()], { error: "expected a duration, such as 1h 30m" })
  .transform((value, context) => {
    const seconds = parseDuration(String(value));
    if (seconds !== undefined && seconds > 0) return seconds;
    context.addIssue({ code: "custom", message: `"${value}" is not a duration; expected for example 1h 30m` });
    return z.NEVER;
  });

const variableValue = z.union(
  [
    scalar.transform((value) => ({ value, raw: false })),
    z.null().transform(() => ({ value: "", raw: false })),
    z
      .object({ value: scalar.nullish(), expand: z.boolean().optional() })
      .transform((entry) => ({ value: entry.value ?? "", raw: entry.expand === false })),
  ],
  { error: "expected text, a number, a boolean, or a mapping with value" },
);

/** `variables:`. */
export const variablesSchema = z
  .record(z.string(), variableValue, { error: "expected a mapping of names to values" })
  .nullish()
  .transform((entries): YamlVariable[] => Object.entries(entries ?? {}).map(([key, entry]) => ({ key, ...entry })));

const port = z
  .union([
    z.number().transform((number) => ({ number, protocol: "http", name: "default_port" })),
    z.object({ number: z.number(), protocol: z.string().default("http"), name: z.string().default("default_port") }),
  ])
  .transform((value): ImagePort => value);

const executorOptions = z.record(z.string(), z.union([z.string(), z.number()])).optional();
const imageMapping = z
  .strictObject({
    name: text,
    alias: optionalTexts.optional(),
    entrypoint: optionalTexts.nullish(),
    command: optionalTexts.nullish(),
    pull_policy: optionalTexts.optional(),
    variables: variablesSchema,
    docker: executorOptions,
    kubernetes: executorOptions,
    ports: z.array(port).optional(),
  })
  .transform(
    (image): ImageDefinition => ({
      name: image.name,
      ...(image.alias ? { alias: image.alias.join(" ") } : {}),
      ...(image.entrypoint ? { entrypoint: image.entrypoint } : {}),
      ...(image.command ? { command: image.command } : {}),
      ...(image.pull_policy ? { pullPolicy: image.pull_policy } : {}),
      ...(image.variables.length > 0 ? { variables: image.variables } : {}),
      ...(image.ports ? { ports: image.ports } : {}),
      ...(image.docker ? { docker: image.docker } : {}),
      ...(image.kubernetes ? { kubernetes: image.kubernetes } : {}),
    }),
  );

/** `image:`. */
export const imageSchema = z.union([text.transform((name): ImageDefinition => ({ name })), imageMapping], {
  error: "expected an image name or a mapping with name",
});
/** `services:`. */
export const servicesSchema = z.array(imageSchema, { error: "expected a list of images" });

/** `allow_failure:`. */
export const allowFailureSchema = z.union(
  [
    z.boolean(),
    z
      .object({ exit_codes: z.union([z.number().transform((code) => [code]), z.array(z.number())]) })
      .transform((value): AllowFailure => ({ exitCodes: value.exit_codes })),
  ],
  { error: "expected true, false or a mapping with exit_codes" },
);

const matrixSchema = z
  .array(z.record(z.string(), optionalTexts), { error: "expected a list of mappings" })
  .transform((entries) => entries.map((entry): MatrixEntry => new Map(Object.entries(entry))));

/** `parallel:`. */
export const parallelSchema = z.union(
  [z.number().int().min(1).max(200), z.object({ matrix: matrixSchema }).transform((value) => value.matrix)],
  { error: "expected a number from 1 to 200 or a mapping with matrix" },
);

const needSchema = z.union(
  [
    text.transform((job): NeedDefinition => ({ job, artifacts: true, optional: false })),
    z
      .strictObject({
        job: text,
        artifacts: z.boolean().default(true),
        optional: z.boolean().default(false),
        parallel: z.object({ matrix: matrixSchema }).optional(),
      })
      .transform(
        ({ parallel, ...need }): NeedDefinition =>
          parallel === undefined ? need : { ...need, matrix: parallel.matrix },
      ),
  ],
  { error: "expected a job's name or a mapping with job" },
);

/** `needs:`; entries that name another project or pipeline must have been taken out. */
export const needsSchema = z.array(needSchema, { error: "expected a list of jobs" });
/** `dependencies:`, `tags:` and other plain lists. */
export const textsSchema = texts;

const changesSchema = z.union(
  [
    texts.transform((paths) => ({ paths, compareTo: undefined as string | undefined })),
    z
      .object({ paths: texts, compare_to: text.optional() })
      .transform((value) => ({ paths: value.paths, compareTo: value.compare_to })),
  ],
  { error: "expected a list of paths" },
);
const existsSchema = z.union([optionalTexts, z.object({ paths: optionalTexts }).transform((value) => value.paths)]);
const whenInRules = z.enum(["on_success", "on_failure", "always", "never", "manual", "delayed"]);

/** `workflow: auto_cancel`, also in one of its rules. */
export const autoCancelSchema = z.strictObject({
  on_new_commit: z.enum(["conservative", "interruptible", "none"]).optional(),
  on_job_failure: z.enum(["all", "none"]).optional(),
});

const ruleSchema = z
  .strictObject({
    if: text.nullish(),
    changes: changesSchema.optional(),
    exists: existsSchema.optional(),
    when: whenInRules.optional(),
    start_in: durationSchema.optional(),
    allow_failure: allowFailureSchema.optional(),
    variables: variablesSchema,
    needs: needsSchema.optional(),
    interruptible: z.boolean().optional(),
    auto_cancel: autoCancelSchema.optional(),
  })
  .transform((rule): RuleDefinition & { startInSeconds?: number } => ({
    ...(rule.if == null ? {} : { if: rule.if }),
    ...(rule.changes === undefined ? {} : { changes: rule.changes }),
    ...(rule.exists === undefined ? {} : { exists: rule.exists }),
    ...(rule.when === undefined ? {} : { when: rule.when }),
    ...(rule.start_in === undefined ? {} : { startInSeconds: rule.start_in }),
    ...(rule.allow_failure === undefined ? {} : { allowFailure: rule.allow_failure }),
    ...(rule.needs === undefined ? {} : { needs: rule.needs }),
    ...(rule.interruptible === undefined ? {} : { interruptible: rule.interruptible }),
    ...(rule.auto_cancel === undefined ? {} : { autoCancel: rule.auto_cancel }),
    variables: rule.variables,
  }));

/** `rules:`. */
export const rulesSchema = z.array(ruleSchema, { error: "expected a list of rules" });

/** `only:` and `except:`. */
export const legacyPolicySchema = z
  .union([
    optionalTexts.transform((refs) => ({ refs, variables: [] as string[], changes: [] as string[] })),
    z
      .object({
        refs: optionalTexts.optional(),
        variables: optionalTexts.optional(),
        changes: optionalTexts.optional(),
      })
      .transform((value) => ({
        refs: value.refs ?? [],
        variables: value.variables ?? [],
        changes: value.changes ?? [],
      })),
  ])
  .transform((value): LegacyPolicy => value);

/** `retry:`. */
export const retrySchema = z.union(
  [
    z
      .number()
      .int()
      .min(0)
      .max(2)
      .transform((max): RetryDefinition => ({ max, when: ["always"], exitCodes: [] })),
    z
      .strictObject({
        max: z.number().int().min(0).max(2).default(0),
        when: optionalTexts.optional(),
        exit_codes: z.union([z.number().transform((code) => [code]), z.array(z.number())]).optional(),
      })
      .transform(
        (value): RetryDefinition => ({
          max: value.max,
          when: value.when ?? (value.exit_codes === undefined ? ["always"] : []),
          exitCodes: value.exit_codes ?? [],
        }),
      ),
  ],
  { error: "expected 0, 1, 2 or a mapping with max (0 to 2)" },
);

const cacheKey = z.union(
  [
    scalar,
    z
      .object({ files: texts.optional(), files_commits: texts.optional(), prefix: text.optional() })
      .transform((key) => ({
        files: key.files ?? key.files_commits ?? [],
        commits: key.files === undefined && key.files_commits !== undefined,
        prefix: key.prefix,
      })),
  ],
  { error: "expected text or a mapping with files" },
);
const whenFinished = z.enum(["on_success", "on_failure", "always"]);

const cacheEntry = z
  .strictObject({
    key: cacheKey.optional(),
    paths: texts.default([]),
    untracked: z.boolean().default(false),
    unprotect: z.boolean().default(false),
    policy: text.default("pull-push"),
    when: whenFinished.default("on_success"),
    fallback_keys: texts.default([]),
  })
  .transform(
    ({ fallback_keys, key, ...cache }): CacheDefinition => ({
      ...cache,
      key: key ?? "default",
      fallbackKeys: fallback_keys,
    }),
  );

/** `cache:`, one or several; an empty list or mapping switches caching off. */
export const cacheSchema = z
  .union([z.array(cacheEntry), cacheEntry.transform((entry) => [entry]), z.null().transform(() => [])])
  .transform((entries) => entries.filter((entry) => entry.paths.length > 0 || entry.untracked));

/** `artifacts:`. */
export const artifactsSchema = z
  .strictObject(
    {
      name: text.optional(),
      paths: texts.default([]),
      exclude: texts.default([]),
      untracked: z.boolean().default(false),
      when: whenFinished.optional(),
      expire_in: z.union([text, z.number()]).transform(String).optional(),
      reports: z.record(z.string(), z.unknown()).default({}),
      expose_as: z.unknown().optional(),
      public: z.unknown().optional(),
      access: z.unknown().optional(),
    },
    { error: "expected a mapping with paths" },
  )
  .transform(
    (value): ArtifactsDefinition => ({
      name: value.name,
      paths: value.paths,
      exclude: value.exclude,
      untracked: value.untracked,
      when: value.when,
      expireIn: value.expire_in,
      reports: new Map(Object.entries(value.reports).map(([type, paths]) => reportPaths(type, paths))),
    }),
  );

/** `coverage_report: { coverage_format, path }` is stored under its format's name. */
function reportPaths(type: string, value: unknown): [string, string[]] {
  const report = z.object({ coverage_format: text, path: text }).safeParse(value);
  if (type === "coverage_report" && report.success) return [report.data.coverage_format, [report.data.path]];
  return [type, oneOrMany.safeParse(value).data ?? []];
}

/** `environment:`. */
export const environmentSchema = z.union(
  [
    text.transform((name): EnvironmentDefinition => ({ name, url: undefined, action: "start", tier: undefined })),
    z
      .strictObject({
        name: text,
        url: text.optional(),
        action: text.default("start"),
        deployment_tier: text.optional(),
        on_stop: z.unknown().optional(),
        auto_stop_in: z.unknown().optional(),
        kubernetes: z.unknown().optional(),
      })
      .transform(
        (value): EnvironmentDefinition => ({
          name: value.name,
          url: value.url,
          action: value.action,
          tier: value.deployment_tier,
        }),
      ),
  ],
  { error: "expected a name or a mapping with name" },
);

/** `hooks:`. */
export const hooksSchema = z.strictObject({ pre_get_sources_script: scriptSchema.optional() });

/** `id_tokens:`, name to audiences. */
export const idTokensSchema = z
  .record(z.string(), z.object({ aud: optionalTexts }))
  .transform((tokens) => new Map(Object.entries(tokens).map(([name, token]) => [name, token.aud] as const)));

const forwardSchema = z.object({
  yaml_variables: z.boolean().default(true),
  pipeline_variables: z.boolean().default(false),
});

/** `trigger:`; without includes for one of another project. */
export const triggerSchema = z
  .union([
    text.transform(() => ({ include: undefined, inputs: undefined, strategy: undefined, forward: undefined })),
    z.object({
      include: z.unknown().optional(),
      inputs: z.record(z.string(), z.unknown()).optional(),
      strategy: z.enum(["depend", "mirror"]).optional(),
      forward: forwardSchema.optional(),
    }),
  ])
  .transform(
    (value): TriggerDefinition => ({
      include: includeEntries(value.include, value.inputs),
      dependsOnChild: value.strategy !== undefined,
      forwardsYamlVariables: value.forward?.yaml_variables ?? true,
      forwardsPipelineVariables: value.forward?.pipeline_variables ?? false,
    }),
  );

/** @param inputs of the trigger: for every file that is not given some of its own. */
function includeEntries(include: unknown, inputs?: PlainObject): Readonly<Record<string, unknown>>[] {
  const entries: unknown[] = Array.isArray(include) ? include : [include];
  const given = inputs === undefined ? {} : { inputs };
  return entries.flatMap((entry) => {
    if (typeof entry === "string") return [{ ...given, local: entry }];
    return isPlainObject(entry) ? [{ ...given, ...entry }] : [];
  });
}
