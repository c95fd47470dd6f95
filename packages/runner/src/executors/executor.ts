import type { Readable } from "node:stream";
import type { ProcessHost } from "@jobscope/functions";
import type { AvailableImage, ContainerJob, ImageRequest } from "./container-job.ts";

/**
 * A place where the scripts of jobs run. One per process and kind, shared by all jobs.
 *
 * Order of calls: `sweep` once, before the first `prepare`; then `prepare` for each job, any number at once. Disposal
 * ends what is left of every session, forcefully, and is safe to call twice. No call but disposal may follow it.
 */
export interface Executor extends AsyncDisposable {
  /** `shell`, `docker`: `ci.runner.executor`. */
  readonly name: string;

  /** How an exit code is spoken of in the job log: `exit status 3`, `exit code 3` (runner-protocol.md §2.6). */
  readonly exitWord: "status" | "code";

  /**
   * Ends processes that an earlier process of the same runner left when it was killed. Safe to call at any time: it
   * touches only what belongs to a runner process that is gone.
   */
  sweep(): Promise<SweepReport>;

  /**
   * Readies the executor for one job, whose first script is expected soon. After a failed call nothing of it is left,
   * and it may be called again.
   *
   * @throws the signal's reason when it is aborted first.
   */
  prepare(request: SessionRequest, options: { readonly signal: AbortSignal }): Promise<ExecutorSession>;

  /**
   * Says that a job is over and another one is expected at once (`true`: something may be readied for it, once for each
   * call) or that none is (`false`: what was readied is let go). Executors that ready nothing have no such method.
   */
  expectJob?(isExpected: boolean): void;
}

/** What one job asks of its executor. */
export interface SessionRequest {
  readonly jobId: number;
  /** Program and arguments of the shell that reads scripts from its standard input: `["bash", "-l"]`. */
  readonly shellCommand: readonly string[];
  /** First line to send such a shell ahead of a long script, so that it reads the rest faster; empty when it has none. */
  readonly preamble: string;
  /** What executors with containers need beside; others do not look at it. */
  readonly containers?: { readonly job: ContainerJob; readonly report: PreparationReport } | undefined;
}

/** Who is told what happens while an executor is prepared. No method throws. */
export interface PreparationReport {
  /** Lines of the job log. */
  readonly lines: ReportLines;
  /** An image is being made available. */
  pullStarted(image: ImageRequest): PullReport;
  /** Services are being started and waited for; `names` as in `postgres:16`. */
  servicesStarting(names: readonly string[]): StepReport;
  /** Opens a stream of the job log: for what services print, or for what is said of them. */
  openServiceLog(stream: "service" | "runner"): ServiceLog;
}

/** The runner's own lines. Rule: runner-protocol.md §2.4.1. */
export interface ReportLines {
  plain(text: string): void;
  info(text: string): void;
  warning(text: string): void;
  error(text: string): void;
}

export interface StepReport {
  /** Environment of what runs in this step: `TRACEPARENT`. */
  readonly environment: Readonly<Record<string, string>>;
  succeeded(): void;
  failed(error: unknown): void;
}

export interface PullReport {
  succeeded(image: AvailableImage): void;
  failed(error: unknown): void;
}

export interface ServiceLog {
  write(chunk: Uint8Array): void | Promise<void>;
  end(): void;
}

/**
 * One job's place. Scripts run one after the other, never two at once. Disposal ends every process that the job left,
 * politely and then not, waits until they are gone, and is safe to call twice.
 */
export interface ExecutorSession extends AsyncDisposable {
  readonly place: SessionPlace;

  /**
   * Runs one script to its end, in a fresh shell.
   *
   * When the signal is aborted the script's processes are asked to end, killed after the executor's grace period, and
   * the outcome is still returned: whoever aborts knows why. All output was delivered when the promise resolves.
   *
   * @throws {ExecutorError} when no shell could be started.
   */
  run(script: ScriptRun, options: { readonly signal: AbortSignal }): Promise<ScriptOutcome>;

  /**
   * Where commands of CI Functions run: beside the scripts, never at the same time. What they leave in the background runs
   * on until the session is disposed of, which also ends a command that still runs. To be disposed of by its user.
   *
   * @param options `tempDir`: private directory of this machine for files of functions, where their commands run here.
   * @throws {ExecutorError} when there is no such place. @throws the signal's reason when it was aborted.
   */
  functionProcesses(options: { readonly tempDir: string; readonly signal: AbortSignal }): Promise<ProcessHost>;

  /**
   * Runs our helper program where the job's files are, once or many times, also while a script runs.
   *
   * Left out when the files are on this machine's disk, where the runner's own process reaches them.
   *
   * When the signal is aborted the program is killed and the outcome is still returned: it has been asked to end before,
   * by the end of its standard input. All output was delivered when the promise resolves.
   *
   * @throws {ExecutorError} when it could not be started.
   */
  readonly runHelper?: RunHelper;
}

/** Where a job runs. */
export interface SessionPlace {
  /** For the line `Running on <hostname> via <via>...` of the job log (runner-protocol.md §3.4). */
  readonly hostname: string;
  readonly via: string | undefined;
  /**
   * The builds directory was made for this job, with its project directory empty in it, and goes with it: nothing of an
   * earlier job is to be removed, and nothing is to be kept from a later one.
   */
  readonly isFresh: boolean;
}

export type RunHelper = (run: HelperRun, options: { readonly signal: AbortSignal }) => Promise<ScriptOutcome>;

/** One run of the helper program. */
export interface HelperRun {
  /** What follows the program's name. Never a secret. */
  readonly args: readonly string[];
  /**
   * To be piped to the program's standard input as it comes, secrets among it. It stays open while the program is wanted;
   * its end is the program's sign to end, so it must reach the program, also when the connection to it is lost.
   */
  readonly stdin: Readable;
  /** As in `ScriptRun`. */
  readonly onStdout: OutputSink;
  readonly onStderr: OutputSink;
}

/** One script and where its output goes. */
export interface ScriptRun {
  /** The build stage, `get_sources` say; for the runner log. */
  readonly stageName: string;
  /** The whole text for the shell's standard input. */
  readonly text: string;
  /** Whose surroundings it needs: the user's, or ours with git. The same for a shell executor. Default: `build`. */
  readonly container?: "build" | "helper" | undefined;
  /** Called in order for each piece of output; the next piece of that stream is read when the promise resolves. */
  readonly onStdout: OutputSink;
  readonly onStderr: OutputSink;
  /** Called once with the process that the script runs in. */
  readonly onStart?: ((pid: number) => void) | undefined;
  /** Whether the job will probably run another script soon, so that its shell may be readied meanwhile. Default: false. */
  readonly isFollowed?: boolean;
}

export type OutputSink = (chunk: Uint8Array) => void | Promise<void>;

/** How a script ended. */
export type ScriptOutcome =
  | { readonly kind: "exited"; readonly exitCode: number; readonly usage?: ContainerUsage | undefined }
  /** `signal` as in `SIGKILL`. */
  | { readonly kind: "killed"; readonly signal: NodeJS.Signals }
  /** The process outlived SIGKILL for ten seconds; it was given up. */
  | { readonly kind: "stuck"; readonly pid: number };

/** What a script's container used; what the engine did not tell is `undefined`. */
export interface ContainerUsage {
  readonly cpuTimeS: number | undefined;
  readonly memoryPeakBytes: number | undefined;
  readonly networkReceiveBytes: number | undefined;
  readonly networkTransmitBytes: number | undefined;
  /** The kernel ended a process of it for want of memory. */
  readonly isOutOfMemory: boolean;
}

/** What `Executor.sweep` found. */
export interface SweepReport {
  /** Processes, or containers, that were ended. */
  readonly endedProcesses: number;
}

/** GitLab's words for why an executor could not do what was asked (runner-protocol.md §2.7, §4.5). */
export type ExecutorFailureReason =
  | "runner_configuration_error"
  | "runner_external_dependency_failure"
  | "image_pull_failure";

/** An executor could not do what was asked. */
export class ExecutorError extends Error {
  override readonly name = "ExecutorError";
  readonly code = "EXECUTOR_FAILED";
  /** `undefined`: a system failure, which may go away. With a reason, trying again is of no use. */
  readonly reason: ExecutorFailureReason | undefined;

  constructor(message: string, details: { readonly reason?: ExecutorFailureReason; readonly cause?: unknown } = {}) {
    super(message, { cause: details.cause });
    this.reason = details.reason;
  }
}
