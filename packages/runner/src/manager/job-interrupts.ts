import { JobInterruption } from "../job/job-interruption.ts";

/** The two signals of one job, and who may pull them. Rule: runner-protocol.md §1.11 and §2.8. */
export interface JobInterrupts {
  /** Kill everything: abort by the coordinator, shutdown. */
  readonly signal: AbortSignal;
  /** End in order: `Job-Status: canceling`. */
  readonly cancelSignal: AbortSignal;
  cancel(): void;
  abort(): void;
  /** @param reason ends the sentence `aborted: …`: the signal's name in words, `terminated` or `interrupt`. */
  shutDown(reason: string): void;
}

export function createJobInterrupts(): JobInterrupts {
  const aborting = new AbortController();
  const canceling = new AbortController();
  return {
    signal: aborting.signal,
    cancelSignal: canceling.signal,
    cancel: () => canceling.abort(new JobInterruption("coordinator-cancel", "canceled")),
    abort: () => aborting.abort(new JobInterruption("coordinator-abort", "canceled")),
    shutDown: (reason) => aborting.abort(new JobInterruption("shutdown", `aborted: ${reason}`)),
  };
}
