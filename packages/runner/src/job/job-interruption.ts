/**
 * Why a job was told to end before its script did; always the reason of an `AbortSignal`.
 *
 * `coordinator-cancel`: a user cancelled, the job ends in order (`Job-Status: canceling`). `coordinator-abort`: the job
 * is no longer ours (`canceled`, `failed`, 403). `timeout`: the job's own time limit. `shutdown`: this process ends.
 *
 * Rule: runner-protocol.md §2.8.
 */
export class JobInterruption extends Error {
  override readonly name = "JobInterruption";
  readonly by: "coordinator-cancel" | "coordinator-abort" | "timeout" | "shutdown";

  /** @param message the text after `Job failed:`, e.g. `canceled`, `aborted: terminated` (runner-protocol.md §2.6). */
  constructor(by: JobInterruption["by"], message: string) {
    super(message);
    this.by = by;
  }
}
