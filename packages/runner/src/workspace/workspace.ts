import type { Provenance } from "../artifacts/provenance.ts";
import type { SignedRequest, SignedUpload } from "../cache/signed-request.ts";
import type { ArtifactSet } from "../coordinator-client/job.ts";

/**
 * The file work of a job's stages, done where the job's files are: by this process when they lie on its disk
 * (`createInProcessWorkspace`, the shell executor), or by our helper program beside them when they are in a volume
 * (`createHelperWorkspace`, the Docker executor). Both run the functions in `tasks/`, so a stage sees no difference.
 *
 * One task at a time. A failed or aborted task may have done a part of its work; the next may follow.
 *
 * To add a task, or a way to reach the archive of a cache:
 *
 * - Requests, results and facts are plain data: whatever survives `JSON.stringify`. A request may hold secrets, it
 *   travels on the helper's standard input only. A result must not.
 * - Add its request and result to `WorkspaceTasks`, its function to `tasks/`, and both to `performTask`. The function is
 *   given a `TaskContext` and must use nothing else of its surroundings: no configuration, no runner log.
 * - A cache that is not on the disk is reached by addresses and headers that the *runner* computes (presigned, as in
 *   runner-protocol.md §3.7), carried by the request; the task sends them as they are.
 */
export interface Workspace extends AsyncDisposable {
  /**
   * @throws {WorkspaceError} when the work could not be done; its message is fit for the job log.
   * @throws the signal's reason when it was aborted. All else that is thrown is a fault of ours.
   */
  perform<Name extends TaskName>(
    name: Name,
    request: WorkspaceTasks[Name]["request"],
    options: TaskOptions,
  ): Promise<WorkspaceTasks[Name]["result"]>;
}

/** What can be asked for, by name. */
export interface WorkspaceTasks {
  /** Extracts the archive of a cache into the project directory. */
  readonly "restore-cache": {
    readonly request: CacheRequest & { readonly remote?: RemoteArchive<SignedRequest> | undefined };
    readonly result:
      | { readonly kind: "restored" | "missing" }
      /** The store could not be had. `why` is in the log already, as a warning. */
      | { readonly kind: "unavailable"; readonly why: string };
  };
  /** Archives what a cache names, unless its archive is as young as all of it. Rule: runner-protocol.md §3.7. */
  readonly "save-cache": {
    readonly request: CacheRequest &
      FileWishes & {
        /** `CACHE_COMPRESSION_LEVEL`, `CACHE_COMPRESSION_FORMAT` */
        readonly compressionLevel: string;
        readonly compressionFormat: string;
        readonly remote?: (RemoteArchive<SignedUpload> & { readonly maxBytes: number }) | undefined;
      };
    readonly result:
      | { readonly kind: "saved" | "up-to-date" | "no-files" }
      /** The archive is on the disk, but could not be brought to its store. */
      | { readonly kind: "unavailable"; readonly why: string };
  };
  /** Downloads the archive of an earlier job and extracts it. Rule: runner-protocol.md §3.8. */
  readonly "download-artifacts": {
    readonly request: ArtifactDownloadRequest;
    readonly result: { readonly kind: "extracted" };
  };
  /** Collects a set of artifacts and sends it to the coordinator. Rule: runner-protocol.md §3.8. */
  readonly "upload-artifacts": {
    readonly request: ArtifactUploadRequest;
    readonly result: { readonly kind: "uploaded" | "no-files" };
  };
  /** Makes the project directory of a job without sources. */
  readonly "make-directory": {
    readonly request: { readonly directory: string; readonly isEmptied: boolean };
    readonly result: Done;
  };
  /** Removes files and directories inside a directory, never itself; what leads out of it is passed over. */
  readonly "remove-paths": {
    readonly request: { readonly directory: string; readonly paths: readonly string[] };
    readonly result: Done;
  };
  /** Tells each line that is appended to a file, as `report.info`, from its first to when the signal is aborted. */
  readonly "follow-lines": {
    readonly request: { readonly file: string };
    readonly result: Done;
  };
  /** Reads a small file that a script left for us, and removes it; a file that is not there is empty. */
  readonly "take-text": {
    readonly request: { readonly file: string };
    readonly result: { readonly kind: "taken"; readonly text: string };
  };
  /** Removes what must not be left for later jobs. Rule: runner-protocol.md §3.9. */
  readonly "clean-up": {
    readonly request: CleanUpRequest;
    readonly result: Done;
  };
}

export type TaskName = keyof WorkspaceTasks;

export interface Done {
  readonly kind: "done";
}

export interface TaskOptions {
  readonly report: TaskReport;
  /** Told as soon as something is known, also of a task that then fails. Later values replace earlier ones. */
  readonly onFacts?: (facts: TaskFacts) => void;
  /** Aborted: the task stops, removes its temporary files and throws the signal's reason. */
  readonly signal: AbortSignal;
}

/** Where tasks say what they do: lines of the job log in the form of runner-protocol.md §2.5. */
export interface TaskReport {
  info(message: string, fields?: TaskReportFields): void;
  warning(message: string, fields?: TaskReportFields): void;
  error(message: string, fields?: TaskReportFields): void;
}

export type TaskReportFields = Readonly<Record<string, string | number>>;

/** What a task learnt of its subject, for the stage's span. */
export interface TaskFacts {
  /** Name of the uploaded file. */
  readonly filename?: string;
  readonly format?: string;
  /** Entries of the archive. */
  readonly files?: number;
  /** Size of the archive. */
  readonly bytes?: number;
  /** Transfers after the first. */
  readonly retries?: number;
  /** Bytes of the archive that crossed the network, over all tries. */
  readonly networkBytes?: number;
}

/** An archive of a cache, and the project it belongs to. */
export interface CacheRequest {
  readonly projectDirectory: string;
  /** Where the archive is on the disk: `<cache root>/<namespace>/<project>/<key>`, absolute. */
  readonly archiveDirectory: string;
  /** For people. */
  readonly key: string;
}

/** A cache's archive in a store, beside the one on the disk. Rule: runner-protocol.md §3.7. */
export interface RemoteArchive<Request extends SignedRequest> {
  readonly request: Request;
  /** Bound of one try, ms. */
  readonly timeoutMs: number;
  /** The job's own proxy variables: they win over those of the place. */
  readonly proxyVariables: Readonly<Record<string, string>>;
}

/** Which files are meant. Texts as the job wrote them: shell references are expanded by the task. */
export interface FileWishes extends JobEnvironmentRequest {
  readonly paths: readonly string[];
  readonly includesUntracked: boolean;
}

/** What processes of the job see beside the environment of the place. */
export interface JobEnvironmentRequest {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** The `GITLAB_ENV` file, whose lines come on top. Rule: runner-protocol.md §3.2. */
  readonly handedOnFile: string;
}

export interface ArtifactDownloadRequest {
  readonly projectDirectory: string;
  /** The earlier job, and *its* token. */
  readonly job: { readonly id: number; readonly jobToken: string };
  /** `FF_USE_DIRECT_DOWNLOAD` */
  readonly allowsDirectDownload: boolean;
}

export interface ArtifactUploadRequest extends JobEnvironmentRequest {
  readonly projectDirectory: string;
  readonly job: { readonly id: number; readonly jobToken: string };
  readonly set: Omit<ArtifactSet, "when">;
  /** `ARTIFACT_COMPRESSION_LEVEL` */
  readonly compressionLevel: string;
  /** To be added to the archive, in a file of its own; `undefined`: it is not wanted (`RUNNER_GENERATE_ARTIFACTS_METADATA`). */
  readonly provenance?: Provenance | undefined;
}

export interface CleanUpRequest {
  readonly projectDirectory: string;
  /** Directory of file variables, and the names in it that must go. */
  readonly temporaryDirectory: string;
  readonly temporaryFiles: readonly string[];
  /** Whether the project directory itself goes (`FF_ENABLE_JOB_CLEANUP`). */
  readonly removesProject: boolean;
  /** Address whose credentials git's helpers shall forget, and the directory to ask from. */
  readonly credentials: { readonly url: string; readonly directory: string } | undefined;
}
