/** What a user's signals ask for; both are aborted once and stay so. */
export interface Interrupts extends Disposable {
  /** The first signal: end in an orderly way. */
  readonly polite: AbortSignal;
  /** The second: stop at once. */
  readonly urgent: AbortSignal;
}

/** Signals that end a command. SIGHUP comes when the terminal goes away. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** npm passes a Ctrl-C on to a child that the terminal has already told, so one key press can arrive twice. */
const sameKeyPressMs = 250;

/**
 * Turns signals into abort signals until it is disposed. While it lives, no signal ends the process by itself.
 */
export function watchInterrupts(): Interrupts {
  const polite = new AbortController();
  const urgent = new AbortController();
  let firstAtMs: number | undefined;
  const onSignal = (): void => {
    const nowMs = performance.now();
    if (firstAtMs === undefined) {
      firstAtMs = nowMs;
      polite.abort(new Error("interrupted"));
    } else if (nowMs - firstAtMs > sameKeyPressMs) {
      urgent.abort(new Error("interrupted twice"));
    }
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    polite: polite.signal,
    urgent: urgent.signal,
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

/** Resolves when the signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}
