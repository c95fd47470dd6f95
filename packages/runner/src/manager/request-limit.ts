/** What a job request came to, as far as the number of parallel requests depends on it. */
export type RequestResult = "job" | "no-job" | "under-pressure";

const factors: Readonly<Record<RequestResult, number>> = { job: 1.1, "no-job": 0.95, "under-pressure": 0.5 };

/**
 * How many job requests of one runner may be out at once.
 *
 * Floats between 1 and `request_concurrency` while `FF_USE_ADAPTIVE_REQUEST_CONCURRENCY` acts (default), else fixed.
 * Rule: runner-protocol.md §6.7.
 */
export class RequestLimit {
  readonly #max: number;
  readonly #isAdaptive: boolean;
  #current: number;

  constructor(options: { readonly requestConcurrency: number; readonly isAdaptive: boolean }) {
    this.#max = Math.max(1, options.requestConcurrency);
    this.#isAdaptive = options.isAdaptive;
    this.#current = options.isAdaptive ? 1 : this.#max;
  }

  get current(): number {
    return Math.floor(this.#current);
  }

  note(result: RequestResult): void {
    if (!this.#isAdaptive) return;
    this.#current = Math.min(this.#max, Math.max(1, this.#current * factors[result]));
  }
}
