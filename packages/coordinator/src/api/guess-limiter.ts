const windowMs = 60_000;
/** A runner with a token that was revoked asks some 20 times a minute; a whole office of them stays below this. */
const maxGuesses = 300;
/** Addresses remembered at once; the oldest is forgotten first. */
const maxAddresses = 10_000;

/** Counts wrong secrets by address, so that trying them out is slow. */
export class GuessLimiter {
  readonly #now: () => number;
  readonly #byAddress = new Map<string, { count: number; sinceMs: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  count(address: string): void {
    const known = this.#current(address);
    if (known !== undefined) known.count += 1;
    else this.#byAddress.set(address, { count: 1, sinceMs: this.#now() });
    const [oldest] = this.#byAddress.keys();
    if (this.#byAddress.size > maxAddresses && oldest !== undefined) this.#byAddress.delete(oldest);
  }

  isShutOut(address: string): boolean {
    return (this.#current(address)?.count ?? 0) >= maxGuesses;
  }

  #current(address: string): { count: number; sinceMs: number } | undefined {
    const known = this.#byAddress.get(address);
    if (known === undefined || this.#now() - known.sinceMs < windowMs) return known;
    this.#byAddress.delete(address);
    return undefined;
  }
}
