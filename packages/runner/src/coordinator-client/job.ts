import type { FailureReason } from "./failure-reason.ts";
import type { JobSecret } from "./job-secret.ts";

/**
 * A job as the coordinator described it: read once, translated from GitLab's spelling, never changed afterwards.
 *
 * Rule: runner-protocol.md §1.8. A field that the payload left out or gave as `null` has the neutral value named here.
 */
export interface Job {
  readonly id: number;
  /** Authenticates every call of this job (`JOB-TOKEN`) and its git access. A secret. */
  readonly jobToken: string;
  readonly name: string;
  /** The `stage:` keyword, not a build stage. */
  readonly pipelineStage: string;
  readonly project: JobProject;
  /** `job_info.pipeline_id`, 0 when the coordinator does not tell. Spans use the variable `CI_PIPELINE_ID` instead. */
  readonly pipelineId: number;
  /** How long the job waited for a runner, in seconds; `undefined` when not told. */
  readonly queuedDurationS: number | undefined;
  /** `"0"`, `"+Inf"`, …: a label of the queue metric. Empty when not told. */
  readonly projectJobsRunning: string;
  /** Jobs that waited when this one was handed out, and how far down it stood; `undefined` when not told. */
  readonly queue: { readonly size: number | undefined; readonly depth: number | undefined };
  /** True: `fetch` is the default git strategy, false: `clone`. Neutral: false. */
  readonly allowsGitFetch: boolean;
  readonly git: JobGitInfo;
  /** The job's time limit in milliseconds. 7,200,000 when the payload has none (runner-protocol.md §2.2). */
  readonly timeoutMs: number;
  /** In payload order; of entries with the same key the last one wins. */
  readonly variables: readonly JobVariable[];
  /** In payload order. All but `after_script` run until one fails (runner-protocol.md §1.8.5). */
  readonly scriptSteps: readonly ScriptStep[];
  /** The text of `run` (a JSON array of steps) when this is a `run:` job. */
  readonly run: string | undefined;
  /** `undefined` when the job names no image. */
  readonly image: JobImage | undefined;
  readonly services: readonly JobImage[];
  readonly artifacts: readonly ArtifactSet[];
  readonly caches: readonly CacheEntry[];
  readonly registryCredentials: readonly RegistryCredentials[];
  readonly dependencies: readonly JobDependency[];
  /** `undefined` when the payload has no `secrets` key: then no section `resolve_secrets` appears. */
  readonly secrets: readonly JobSecret[] | undefined;
  readonly hooks: readonly JobHook[];
  readonly inputs: readonly JobInput[];
  readonly policy: JobPolicy | undefined;
  /** `features.trace_sections`: whether section markers may be written. */
  readonly acceptsLogSections: boolean;
  /** `features.token_mask_prefixes`: more prefixes whose tokens the job log masks. */
  readonly tokenMaskPrefixes: readonly string[];
  /** `features.failure_reasons`: the reasons the coordinator understands beside the three fixed ones. */
  readonly acceptedFailureReasons: readonly FailureReason[];
  /** The payload as received, for the telemetry negotiation (telemetry.md §1). */
  readonly rawPayload: unknown;
  /** `X-Request-Id` of the answer that brought the job: git sends it on as Gitaly's correlation id. */
  readonly correlationId: string;
  /** PEM of the chain the coordinator presented on the job request's connection, for `CI_SERVER_TLS_CA_FILE`. */
  readonly serverCertificateChain: string | undefined;
}

/** Which project the job belongs to. Ids are 0 and texts empty when the payload does not tell. */
export interface JobProject {
  readonly id: number;
  readonly name: string;
  /** `namespace/project` of `job_info.project_full_path`. */
  readonly fullPath: string;
}

/** What to check out. Rule: runner-protocol.md §1.8.3. */
export interface JobGitInfo {
  /** May contain `gitlab-ci-token:<job token>@`. */
  readonly repositoryUrl: string;
  readonly objectFormat: "sha1" | "sha256";
  readonly ref: string;
  readonly refType: string;
  readonly sha: string;
  readonly beforeSha: string;
  readonly refspecs: readonly string[];
  /** 0: full history. */
  readonly depth: number;
  /** `undefined` when the payload does not tell. */
  readonly isProtected: boolean | undefined;
}

/** One variable of the job. Rule: runner-protocol.md §1.8.4. */
export interface JobVariable {
  readonly key: string;
  readonly value: string;
  readonly isPublic: boolean;
  /** The value goes to a file and the variable holds its path. */
  readonly isFile: boolean;
  readonly isMasked: boolean;
  /** The value is not expanded. */
  readonly isRaw: boolean;
}

export interface ScriptStep {
  /** `script`, `after_script`, `release` or any other. */
  readonly name: string;
  readonly script: readonly string[];
}

/** An image or a service. Rule: runner-protocol.md §1.8.6. */
export interface JobImage {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly command: readonly string[];
  readonly entrypoint: readonly string[];
  readonly variables: readonly JobVariable[];
  readonly pullPolicies: readonly string[];
  /** Keys as sent: `docker`, `kubernetes`. Any other key fails the job. */
  readonly executorOptions: Readonly<Record<string, unknown>>;
}

/** One set of artifacts to upload. Rule: runner-protocol.md §1.8.7. */
export interface ArtifactSet {
  readonly name: string;
  readonly includesUntracked: boolean;
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  /** `on_success` (also when absent), `on_failure` or `always`; other words never apply. May hold an input's expression. */
  readonly when: string;
  /** `archive`, `junit`, `dotenv`, …; empty when absent. */
  readonly type: string;
  /** `zip`, `gzip`, `raw`, `zipzstd`, `tarzstd`, or empty (the default format). */
  readonly format: string;
  /** Forwarded unread, e.g. `2 weeks`; empty when absent. */
  readonly expireIn: string;
}

/** One cache to restore and save. Texts are not expanded yet. Rule: runner-protocol.md §1.8.7. */
export interface CacheEntry {
  readonly key: string;
  readonly includesUntracked: boolean;
  readonly paths: readonly string[];
  /** As `ArtifactSet.when`. */
  readonly when: string;
  /** `pull-push`, `pull`, `push`, or a text with variables in it. */
  readonly policy: string;
  readonly fallbackKeys: readonly string[];
}

/** An entry of `credentials[]` whose type is exactly `registry`. */
export interface RegistryCredentials {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** An earlier job whose artifacts are wanted. Entries without an artifacts file are left out on entry. */
export interface JobDependency {
  readonly jobId: number;
  /** The *dependency's* job token: it authenticates the download (runner-protocol.md §1.2.1). */
  readonly jobToken: string;
  readonly name: string;
  readonly artifactsFile: { readonly filename: string; readonly sizeBytes: number };
}

export interface JobHook {
  /** `pre_get_sources_script` or `post_get_sources_script`; others are ignored. */
  readonly name: string;
  readonly script: readonly string[];
}

/** One job input. Rule: runner-protocol.md §1.8.8. */
export interface JobInput {
  readonly key: string;
  readonly type: "string" | "number" | "boolean" | "array" | "struct";
  /** Not null, and of that type. */
  readonly content: JsonContent;
  readonly isSensitive: boolean;
}

/** What an input can hold. */
export type JsonContent =
  | null
  | boolean
  | number
  | string
  | readonly JsonContent[]
  | { readonly [key: string]: JsonContent };

/** Only said in the job log. Rule: runner-protocol.md §2.4.6. */
export interface JobPolicy {
  readonly isExecutionPolicyJob: boolean;
  readonly name: string;
  readonly variablesOverrideAllowed: boolean | undefined;
  readonly variablesOverrideExceptions: readonly string[];
}
