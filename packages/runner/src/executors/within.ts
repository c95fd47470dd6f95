import { setTimeout as delay } from "node:timers/promises";

/** @returns whether it was done in time. Never rejects. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  const done = work.then(
    () => true,
    () => false,
  );
  const late = delay(ms, false, { signal: timer.signal }).catch(() => false);
  return await Promise.race([done, late]).finally(() => timer.abort());
}
