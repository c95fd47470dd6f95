import { formatGoDuration } from "../config/go-duration.ts";
import { JobInterruption } from "./job-interruption.ts";

export interface JobLifetimeOptions {
  /** Kill everything: `JobExecutionOptions.signal`. */
  readonly abortSignal: AbortSignal;
  /** The graceful cancel: `JobExecutionOptions.cancelSignal`. */
  readonly cancelSignal: AbortSignal;
  /** The job's time limit, from now on. */
  readonly timeoutMs: number;
}

/**
 * What ends a job early, by phase.
 *
 * | event | before the scripts | in the scripts | after them |
 * |---|---|---|---|
 * | abort, shutdown, job timeout | everything ends | everything ends | everything ends |
 * | graceful cancel | everything ends | the scripts end | no effect |
 *
 * Rule: runner-protocol.md §1.11, §2.8.
 */
export class JobLifetime implements Disposable {
  /** Aborted when no further stage may run. Its reason is a `JobInterruption`. */
  readonly signal: AbortSignal;
  readonly #whole = new AbortController();
  readonly #scripts = new AbortController();
  readonly #disposers = new DisposableStack();
  readonly #startedAt = performance.now();
  readonly #timeoutMs: number;
  #phase: "before scripts" | "scripts" | "after scripts" = "before scripts";

  constructor({ abortSignal, cancelSignal, timeoutMs }: JobLifetimeOptions) {
    this.signal = this.#whole.signal;
    this.#timeoutMs = timeoutMs;
    this.#forward(abortSignal, () => this.#end(abortSignal.reason));
    this.#forward(cancelSignal, () => this.#cancel(cancelSignal.reason));
    const timeout = `execution took longer than ${formatGoDuration(timeoutMs)} seconds`;
    this.#after(timeoutMs, () => this.#end(new JobInterruption("timeout", timeout)));
  }

  /** When the job began. */
  get startedAt(): Date {
    return new Date(performance.timeOrigin + this.#startedAt);
  }

  /** What is left of the job's time. */
  get remainingMs(): number {
    return Math.max(0, this.#timeoutMs - (performance.now() - this.#startedAt));
  }

  /** From now on a graceful cancel ends the scripts only. @returns the scripts' signal. */
  beginScripts(): AbortSignal {
    this.#phase = "scripts";
    return AbortSignal.any([this.signal, this.#scripts.signal]);
  }

  /** From now on a graceful cancel has no effect. */
  endScripts(): void {
    this.#phase = "after scripts";
  }

  /** A signal that is aborted with this one's, or after a time of its own. */
  limitedTo(ms: number, message: string, within: AbortSignal = this.signal): AbortSignal {
    const limit = new AbortController();
    this.#after(ms, () => limit.abort(new JobInterruption("timeout", message)));
    return AbortSignal.any([within, limit.signal]);
  }

  [Symbol.dispose](): void {
    this.#disposers[Symbol.dispose]();
  }

  #end(reason: unknown): void {
    this.#whole.abort(reason);
  }

  #cancel(reason: unknown): void {
    if (this.#phase === "before scripts") this.#end(reason);
    else if (this.#phase === "scripts") this.#scripts.abort(reason);
  }

  #forward(signal: AbortSignal, listener: () => void): void {
    if (signal.aborted) {
      listener();
      return;
    }
    signal.addEventListener("abort", listener, { once: true });
    this.#disposers.defer(() => signal.removeEventListener("abort", listener));
  }

  #after(ms: number, act: () => void): void {
    const timer = setTimeout(act, Math.min(ms, maxTimerMs));
    this.#disposers.defer(() => clearTimeout(timer));
  }
}

/** What a timer can hold; some 24 days. */
const maxTimerMs = 2 ** 31 - 1;
