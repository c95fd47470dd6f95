/** When a runner stops asking. Rule: runner-protocol.md §1.7. */
export interface HealthLimits {
  /** `unhealthy_requests_limit` */
  readonly unhealthyRequestsLimit: number;
  /** `unhealthy_interval` */
  readonly unhealthyIntervalMs: number;
}

/**
 * healthy ──n refusals in a row──▶ resting ──interval over──▶ trying once ──refusal──▶ resting
 *    ▲                                                            │
 *    └───────────────────── any other answer ────────────────────┘
 */
export class RunnerHealth {
  readonly #limits: HealthLimits;
  #refusals = 0;
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(limits: HealthLimits) {
    this.#limits = limits;
  }

  /** Whether the runner may ask now. */
  mayAsk(nowMs: number): boolean {
    return nowMs >= this.#restsUntilMs;
  }

  /** @returns whether the runner rests from now on. */
  noteRefusal(nowMs: number): boolean {
    this.#refusals += 1;
    if (this.#refusals < this.#limits.unhealthyRequestsLimit) return false;
    this.#restsUntilMs = nowMs + this.#limits.unhealthyIntervalMs;
    return true;
  }

  noteAnswer(): void {
    this.#refusals = 0;
    this.#restsUntilMs = Number.NEGATIVE_INFINITY;
  }
}
