/**
 * How an invocation ran, as far as one may know from outside: enough for a span, nothing secret.
 *
 * Rule: telemetry.md §2 "CI Function", ci-functions.md §10.
 */
export interface StepStart {
  /** Name of the step; empty only for a function run alone without a name. */
  readonly name: string;
  /** Reference as written, without version and without credentials; `script` for a script step. */
  readonly reference: string;
  /** OCI tag or digest, or Git revision, as written; the engine's version for built-ins and scripts; empty for a path. */
  readonly version: string;
  readonly kind: "path" | "git" | "oci" | "builtin" | "script" | "unknown";
  /** 0 for a step of the job's own list. */
  readonly depth: number;
  /** What `stepStarted` returned for the calling step; undefined at depth 0. */
  readonly parent: StepObservation | undefined;
}

/** Implementation form of a function, known once its definition is read. */
export type FunctionType = "exec" | "run" | "builtin" | "script";

export interface StepEnd {
  readonly status: "success" | "failed" | "cancelled";
  /** Undefined when the function has no command of its own, or ended before it. */
  readonly exitCode: number | undefined;
  /** One line, without secrets known to the engine; undefined on success. */
  readonly error: string | undefined;
  /** Stable code of the failure ({@link FunctionErrorCode}); undefined on success. */
  readonly errorCode: string | undefined;
}

export interface FetchStart {
  readonly kind: "git" | "oci";
  /** Where from: `host/path` without credentials, version and query. */
  readonly location: string;
  readonly version: string;
}

export interface FetchEnd {
  /** Bytes received; for Git the size of the pack files that came. */
  readonly bytes: number;
  readonly cacheHit: boolean;
  /** Commit id or manifest digest, when it was found. */
  readonly digest: string | undefined;
  /** One line; undefined on success. */
  readonly error: string | undefined;
}

/** One fetch of a function. `ended` is called exactly once. */
export interface FetchObservation {
  ended(end: FetchEnd): void;
}

/** One invocation. `loaded` is called at most once, `ended` exactly once and last. */
export interface StepObservation {
  /**
   * Environment for the step's processes, such as `TRACEPARENT`. Stronger than the job's base environment, weaker than
   * exports and than any `env` written by the user (telemetry.md §3).
   */
  readonly environment: Readonly<Record<string, string>>;
  /** The function's definition is read and says which form it has. */
  loaded(facts: { readonly type: FunctionType; readonly digest: string | undefined }): void;
  /** The function must be fetched, or looked up in the cache with the registry's or server's consent. */
  fetchStarted(start: FetchStart): FetchObservation;
  ended(end: StepEnd): void;
}

/**
 * Told what happens while steps run; the seam for telemetry. Calls are synchronous, in the order of events, never two at
 * once for one job. Whatever it throws is dropped: an observer cannot fail a job.
 */
export interface StepObserver {
  stepStarted(start: StepStart): StepObservation;
}
