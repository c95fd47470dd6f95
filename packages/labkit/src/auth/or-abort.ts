import { TokenSourceError } from "./token-source.ts";

/** A caller in a hurry leaves; the fetch that it shares with others goes on. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(new TokenSourceError("credentials could not be had in time", { code: "unavailable" }));
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", onAbort));
}
