/** The signals that `run` and `run-single` answer to (runner-protocol.md §6.9). */
export type ProcessSignal = "SIGQUIT" | "SIGTERM" | "SIGINT" | "SIGHUP";

/** Where signals come from: `process`, or a test's emitter. */
export interface SignalSource {
  on(signal: ProcessSignal, listener: () => void): unknown;
  off(signal: ProcessSignal, listener: () => void): unknown;
}

/** The word GitLab's runner has for a signal in `aborted: …`. */
export const signalWords = { SIGTERM: "terminated", SIGINT: "interrupt" } as const;

/** Listens until disposed of. */
export function onSignals(source: SignalSource, listener: (signal: ProcessSignal) => void): Disposable {
  const all: readonly ProcessSignal[] = ["SIGQUIT", "SIGTERM", "SIGINT", "SIGHUP"];
  const listeners = all.map((signal) => [signal, () => listener(signal)] as const);
  for (const [signal, listen] of listeners) source.on(signal, listen);
  return {
    [Symbol.dispose]() {
      for (const [signal, listen] of listeners) source.off(signal, listen);
    },
  };
}
