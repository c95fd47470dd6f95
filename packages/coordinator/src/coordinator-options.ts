import type { Log } from "@jobscope/labkit";
import type { SpanProcessor } from "@opentelemetry/sdk-trace";

/** How job payloads ask runners for telemetry (telemetry.md §1). */
export interface CoordinatorTelemetry {
  /**
   * `shipped`: `features.tracing`, as GitLab sends it since 2026. `original`: `features.job_telemetry` and `trace_context`,
   * endpoints left to the runner. `none`: payloads say nothing and no lifecycle span is emitted.
   */
  readonly form: "shipped" | "original" | "none";
  /** Where runners shall send spans; sent as they are in the shipped form, at most 2 (telemetry.md §1). */
  readonly endpoints: readonly { readonly url: string; readonly auth?: unknown }[];
  /** Share of pipelines to trace, 0 to 1, decided by a hash of the root pipeline's id. Default 1. */
  readonly samplingRatio?: number;
  /** Paths of the projects whose pipelines are traced, `group/project`. Default: all. */
  readonly projects?: readonly string[];
}

/** Settings of one coordinator. */
export interface CoordinatorOptions {
  /** `HOST:PORT`; port 0 picks a free one. Anything but loopback should stand behind TLS. */
  readonly listen: string;
  /** Where state, logs, artifacts and snapshots are kept; made when missing, mode 0700. One coordinator at a time. */
  readonly dataDir: string;
  readonly log: Log;
  readonly telemetry: CoordinatorTelemetry;
  /** Where the Rails-side spans go (telemetry.md §1); made with labkit. Not shut down by the coordinator. */
  readonly spanProcessors?: readonly SpanProcessor[];
  /** URL that runners and jobs use for this coordinator, when it differs from the bound address. */
  readonly externalUrl?: string;
  /** How long an empty job request is held open. Milliseconds, default 50 000 as GitLab Workhorse; 0 answers at once. */
  readonly longPollMs?: number;
  /** A runner that sends nothing for so long has lost its job. Milliseconds, default 600 000 (runner-protocol.md §9.1 #13). */
  readonly silentRunnerMs?: number;
  /**
   * A job that waits so long while no runner that could take it has asked is stuck, and fails. Milliseconds, default
   * 3 600 000, as in GitLab.
   */
  readonly stuckJobMs?: number;
  /** Sent as `X-GitLab-Trace-Update-Interval`. Seconds, default 3. */
  readonly logUpdateIntervalSeconds?: number;
  /** Largest artifact file. Bytes, default 1 GiB. */
  readonly maxArtifactBytes?: number;
  /** Largest job log. Bytes, default 100 MiB. */
  readonly maxJobLogBytes?: number;
  /** What is kept of pipelines that have ended; the newest of each project always is. Looked after every hour. */
  readonly keep?: KeepLimits;
  /** `glrtr` registration token for `POST /runners`; without one such registration is refused. */
  readonly registrationToken?: string;
  /** Bearer of `PRIVATE-TOKEN` for the control API beyond reading; without one those calls are open to loopback only. */
  readonly accessToken?: string;
  /** Environment for `git` and the expansion, default the process's own; `GIT_*` and `GCL_*` never pass. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** How long pipelines are kept, with their jobs, logs, artifacts and refs: whichever limit is reached first. */
export interface KeepLimits {
  /** In each project. Default 200. */
  readonly pipelines?: number;
  /** Since their end. Default 30. */
  readonly days?: number;
}

/** A variable given from outside the repository. */
export interface VariableInput {
  readonly key: string;
  readonly value: string;
  /** Replaced by `[MASKED]` in logs. */
  readonly masked?: boolean;
  /** Written to a file; the variable holds its path. */
  readonly file?: boolean;
  /** Not expanded. */
  readonly raw?: boolean;
}

/** What to run. */
export interface PipelineRequest {
  /** A folder inside the git work tree to run. Its uncommitted and untracked (not ignored) files are part of what runs. */
  readonly repository: string;
  /**
   * A branch or tag: its commit runs, as after a push, and nothing of the work tree. Default: the work tree as it is, on
   * the branch that is checked out.
   */
  readonly ref?: string;
  /** The commit that `changes` compares with and `CI_COMMIT_BEFORE_SHA` names; default as described in the README. */
  readonly beforeSha?: string;
  /** Only these jobs (names, or base names of `parallel` ones) and what they need; default all that the rules choose. */
  readonly jobs?: readonly string[];
  /** `CI_PIPELINE_SOURCE`; default `push`. */
  readonly source?: string;
  /** Project variables: stronger than those of the file. */
  readonly projectVariables?: readonly VariableInput[];
  /** Pipeline variables, as given to "Run pipeline": strongest of all. */
  readonly variables?: readonly VariableInput[];
  /** The configuration's path in the repository, default `.gitlab-ci.yml`. */
  readonly configPath?: string;
  readonly signal?: AbortSignal;
}

/** A runner's credentials, shown once: only a hash of the token is stored. */
export interface RunnerCredentials {
  readonly id: number;
  readonly token: string;
}

/**
 * Which jobs a runner gets, by what they ask of containers: those that its features allow (`announced`), of these only the
 * ones with an image or services (`only`), or all of them as though they named none (`ignored`).
 */
export type ContainerJobs = "announced" | "only" | "ignored";

/** Settings of a runner created in the coordinator. */
export interface RunnerOptions {
  readonly description: string;
  readonly tags?: readonly string[];
  /** Takes jobs without tags. Default: true when it has no tags itself, as GitLab's form. */
  readonly runUntagged?: boolean;
  /** Takes jobs whatever their tags, for a machine that stands in for all runners. Default false. */
  readonly ignoresTags?: boolean;
  /** Takes jobs of protected refs only: here, of the default branch. Default false. */
  readonly onlyProtectedRefs?: boolean;
  /** What it makes of jobs with an image or services. Default: `announced`. */
  readonly containers?: ContainerJobs;
  /** Caps every job's timeout. Seconds. */
  readonly maximumTimeoutSeconds?: number;
}
