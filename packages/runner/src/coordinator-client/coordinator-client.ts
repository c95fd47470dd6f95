import type { Readable } from "node:stream";
import type { CoordinatorError } from "./coordinator-error.ts";
import type { FailureReason } from "./failure-reason.ts";
import type { TlsTexts } from "./http/connections.ts";
import type { Job } from "./job.ts";

/**
 * GitLab's runner API as one `[[runners]]` entry uses it, over kept-alive connections.
 *
 * Every call may run beside any other. Each repeats itself on 408, 429 and 5xx (runner-protocol.md §1.3) and ends early
 * when its signal is aborted, throwing the signal's reason. Safe to call again after any outcome.
 */
export interface CoordinatorClient {
  /** Base URL as configured, without credentials. */
  readonly url: string;

  /**
   * Asks for a job; the coordinator may hold the request open (long polling), up to ten minutes.
   *
   * @throws {CoordinatorError} when no answer of the protocol came (runner-protocol.md §1.7: the runner stays healthy).
   */
  requestJob(options: CallOptions): Promise<JobRequestOutcome>;

  /** Reports a job's state, or that it is still alive. Rule: runner-protocol.md §1.10. */
  updateJob(update: JobUpdate, options: CallOptions): Promise<JobUpdateOutcome>;

  /** Appends one slice to the job log that the coordinator keeps. Rule: runner-protocol.md §1.9. */
  patchJobLog(slice: JobLogSlice, options: CallOptions): Promise<JobLogPatchOutcome>;

  /**
   * Uploads one artifact file as a chunked multipart body.
   *
   * Its caller repeats it (runner-protocol.md §1.12: `unavailable` up to 6 tries, `failed` up to 3).
   */
  uploadArtifact(upload: ArtifactUpload, options: CallOptions): Promise<ArtifactUploadOutcome>;

  /** Opens the archive of an earlier job. Its caller repeats it and must consume or destroy `body`. */
  downloadArtifact(download: ArtifactDownload, options: CallOptions): Promise<ArtifactDownloadOutcome>;

  /**
   * What another process needs to move artifacts for this runner in its stead.
   *
   * @throws {Error} when a TLS file cannot be read.
   */
  artifactAccess(): ArtifactAccess;

  /** Closes idle connections; calls under way end by themselves. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The calls that move artifacts. */
export type ArtifactClient = Pick<CoordinatorClient, "uploadArtifact" | "downloadArtifact">;

/** How to reach a coordinator for artifacts, as plain data: see `createArtifactClient`. Holds the TLS key, a secret. */
export interface ArtifactAccess {
  readonly url: string;
  readonly tls: TlsTexts;
  readonly uploadTimeoutMs: number;
  readonly responseHeaderTimeoutMs: number;
}

export interface CallOptions {
  readonly signal: AbortSignal;
}

/** What became of a job request. Rule: runner-protocol.md §1.7. */
export type JobRequestOutcome =
  | { readonly kind: "job"; readonly job: Job; readonly repeated: boolean }
  | { readonly kind: "no-job"; readonly repeated: boolean }
  /** 403: the runner token is not (or no longer) valid; counts against the runner's health. */
  | { readonly kind: "refused"; readonly why: CoordinatorError }
  /** A job was handed out that cannot be read. With an identity it can still be reported as failed. */
  | {
      readonly kind: "unreadable-job";
      readonly jobId: number | undefined;
      readonly jobToken: string | undefined;
      readonly why: CoordinatorError;
    };

/** Which job a call is about. */
export interface JobIdentity {
  readonly id: number;
  readonly jobToken: string;
}

/** One `PUT jobs/<id>`. */
export interface JobUpdate {
  readonly job: JobIdentity;
  readonly state: "running" | "success" | "failed";
  /** Only with `failed`; already mapped to what the coordinator understands. */
  readonly failureReason?: FailureReason | undefined;
  /** Omitted on the wire when 0. */
  readonly exitCode?: number | undefined;
  /** The job log so far. Left out of the acknowledgement. `crc32`: 8 lower-case hex digits. */
  readonly log?: { readonly crc32: string; readonly byteLength: number } | undefined;
}

/** What every answer of a running job may carry beside its outcome (runner-protocol.md §1.11). */
export interface JobAnswer {
  /** `Job-Status: canceling`: the user wants the job to end in order. */
  readonly cancelRequested: boolean;
  /** `X-GitLab-Trace-Update-Interval`, in milliseconds, when it was above zero. */
  readonly updateIntervalMs: number | undefined;
}

export type JobUpdateOutcome = JobAnswer &
  (
    | { readonly kind: "stored" }
    /** 202: the coordinator is still persisting the log; ask again after an interval. */
    | { readonly kind: "accepted" }
    /** 412: checksum or size differ; send the whole log again. */
    | { readonly kind: "log-mismatch" }
    /** 403, 404 or a final `Job-Status`: the job is no longer ours. */
    | { readonly kind: "abort"; readonly why: string }
    | { readonly kind: "failed"; readonly why: CoordinatorError }
  );

/** A part of the job log: `bytes` is 1 B to 1 MiB, `offset` counts bytes from the start of the log. */
export interface JobLogSlice {
  readonly job: JobIdentity;
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** True while `CI_DEBUG_TRACE` or `CI_DEBUG_SERVICES` acts; the coordinator then restricts who reads the log. */
  readonly isDebugTrace: boolean;
}

export type JobLogPatchOutcome = JobAnswer &
  (
    | { readonly kind: "stored" }
    /** 416: the coordinator has another length. `offset` is the next byte it wants. */
    | { readonly kind: "resume-at"; readonly offset: number }
    | { readonly kind: "not-found" }
    | { readonly kind: "abort"; readonly why: string }
    | { readonly kind: "failed"; readonly why: CoordinatorError }
  );

/** One artifact file on its way up. Rule: runner-protocol.md §1.12. */
export interface ArtifactUpload {
  readonly job: JobIdentity;
  readonly filename: string;
  /** Opens the bytes anew: called once per attempt, since an attempt may consume it partly. */
  readonly open: () => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
  /** Left out of the query when empty. */
  readonly type: string;
  readonly format: string;
  readonly expireIn: string;
}

export type ArtifactUploadOutcome =
  | { readonly kind: "stored"; readonly status: string }
  /** 403 */
  | { readonly kind: "forbidden"; readonly why: CoordinatorError }
  /** 413 */
  | { readonly kind: "too-large"; readonly why: CoordinatorError }
  /** 503 */
  | { readonly kind: "unavailable"; readonly why: CoordinatorError }
  | { readonly kind: "failed"; readonly why: CoordinatorError };

export interface ArtifactDownload {
  /** The *dependency's* id and token. */
  readonly job: JobIdentity;
  /** Asks for a redirect to object storage (`FF_USE_DIRECT_DOWNLOAD`); first try only. */
  readonly allowsDirectDownload: boolean;
}

export type ArtifactDownloadOutcome =
  /** `redirectedTo`: host of the object storage, when the archive came from there. `sizeBytes`: when announced. */
  | {
      readonly kind: "archive";
      readonly body: Readable;
      readonly sizeBytes: number | undefined;
      readonly redirectedTo: string | undefined;
    }
  /** 401, 403 */
  | { readonly kind: "forbidden"; readonly why: CoordinatorError }
  /** 404 */
  | { readonly kind: "not-found"; readonly why: CoordinatorError }
  | { readonly kind: "failed"; readonly why: CoordinatorError };
