import { z } from "zod";
import { flag, list, table, text, whole } from "./fields.ts";
import { jobSecretsSchema } from "./job-secrets.ts";

/**
 * The `201` answer of `POST jobs/request` in GitLab's spelling.
 *
 * Tolerant (runner-protocol.md §1.8): unknown fields pass, `null` stands for an absent object, array or text. A wrong
 * JSON type in what we use makes the payload unreadable.
 */
const texts = list(z.string());

const variable = z.object({ key: z.string(), value: text, public: flag, file: flag, masked: flag, raw: flag });

const image = z.object({
  name: text,
  alias: text,
  command: texts,
  entrypoint: texts,
  variables: list(variable),
  pull_policy: texts,
  executor_opts: table,
});

const inputValue = <Type extends string, Content extends z.ZodType>(type: Type, content: Content) =>
  z.object({ type: z.literal(type), content, sensitive: flag });

/** The content must be of the type that is told (runner-protocol.md §1.8.8). */
const input = z.object({
  key: z.string().min(1),
  value: z.discriminatedUnion("type", [
    inputValue("string", z.string()),
    inputValue("number", z.number()),
    inputValue("boolean", z.boolean()),
    inputValue("array", z.array(z.json())),
    inputValue("struct", z.record(z.string(), z.json())),
  ]),
});

export const jobPayloadSchema = z.object({
  id: z.number().int().positive(),
  token: z.string().min(1),
  allow_git_fetch: flag,
  job_info: z
    .object({
      name: text,
      stage: text,
      pipeline_id: whole,
      project_id: whole,
      project_name: text,
      project_full_path: text,
      time_in_queue_seconds: z.number().nullish(),
      project_jobs_running_on_instance_runners_count: text,
      queue_size: z.number().nullish(),
      queue_depth: z.number().nullish(),
    })
    .nullish(),
  git_info: z
    .object({
      repo_url: text,
      repo_object_format: text,
      ref: text,
      ref_type: text,
      sha: text,
      before_sha: text,
      refspecs: texts,
      depth: whole,
      protected: z.boolean().nullish(),
    })
    .nullish(),
  runner_info: z.object({ timeout: whole }).nullish(),
  variables: list(variable),
  steps: list(z.object({ name: z.string(), script: texts })),
  image: image.nullish(),
  services: list(image),
  artifacts: list(
    z.object({
      name: text,
      untracked: flag,
      paths: texts,
      exclude: texts,
      when: text,
      artifact_type: text,
      artifact_format: text,
      expire_in: text,
    }),
  ),
  cache: list(z.object({ key: text, untracked: flag, paths: texts, when: text, policy: text, fallback_keys: texts })),
  credentials: list(z.object({ type: text, url: text, username: text, password: text })),
  dependencies: list(
    z.object({
      id: z.number().int(),
      token: text,
      name: text,
      artifacts_file: z.object({ filename: text, size: whole }).nullish(),
    }),
  ),
  features: z.object({ trace_sections: flag, token_mask_prefixes: texts, failure_reasons: texts }).nullish(),
  secrets: jobSecretsSchema.nullish(),
  hooks: list(z.object({ name: text, script: texts })),
  inputs: list(input),
  run: z.string().nullish(),
  policy_options: z
    .object({
      execution_policy_job: flag,
      policy_name: text,
      policy_variables_override_allowed: z.boolean().nullish(),
      policy_variables_override_exceptions: texts,
    })
    .nullish(),
});

export type JobPayload = z.output<typeof jobPayloadSchema>;

/** As much of a payload as it takes to tell the coordinator that the job cannot be run. */
export const jobIdentitySchema = z.object({ id: z.number().int().positive(), token: z.string().min(1) });
