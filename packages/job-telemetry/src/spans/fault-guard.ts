import type { Log } from "@jobscope/labkit";

/**
 * The boundary that no fault of telemetry crosses: a bug of ours, or of somebody's span processor, is told to the runner
 * log once a job, counted, and the job goes on.
 *
 * Rule: telemetry.md §4, "Never in the way".
 */
export class FaultGuard {
  readonly #log: Log;
  #faults = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** How often something was caught. */
  get faults(): number {
    return this.#faults;
  }

  /** What `action` returns, or `otherwise` when it throws. `during` says in the log what was attempted. */
  run<Result>(during: string, action: () => Result, otherwise: Result): Result {
    try {
      return action();
    } catch (err) {
      this.#faults += 1;
      if (this.#faults === 1) this.#tell(during, err);
      return otherwise;
    }
  }

  #tell(during: string, err: unknown): void {
    try {
      this.#log.error("telemetry of a job has a fault; the job is not affected", { during, err });
    } catch {
      // A log that throws must not fail the job either, and there is nobody left to tell.
    }
  }
}
