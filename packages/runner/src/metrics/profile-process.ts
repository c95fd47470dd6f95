import { Session } from "node:inspector/promises";
import { setTimeout as delay } from "node:timers/promises";

/** What can be looked at: where the time goes, and what the heap was given to. Neither holds values of the program. */
export type ProfileKind = "profile" | "heap";

/** As for Go's profiles. */
const defaultSeconds = 30;
const maxSeconds = 300;

/**
 * Watches this process for a while.
 *
 * @param seconds as in the query; default 30, at most 300.
 * @returns JSON that browsers' developer tools open: a `.cpuprofile` or a `.heapprofile`.
 * @throws the signal's reason when it is aborted first. @throws {RangeError} for a time that is none.
 */
export async function profileProcess(kind: ProfileKind, seconds: string | null, signal: AbortSignal): Promise<string> {
  const ms = durationMs(seconds);
  const session = new Session();
  session.connect();
  try {
    if (kind === "heap") return JSON.stringify(await profileHeap(session, ms, signal));
    return JSON.stringify(await profileCpu(session, ms, signal));
  } finally {
    session.disconnect();
  }
}

async function profileCpu(session: Session, ms: number, signal: AbortSignal): Promise<object> {
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  await delay(ms, undefined, { signal });
  const { profile } = await session.post("Profiler.stop");
  return profile;
}

async function profileHeap(session: Session, ms: number, signal: AbortSignal): Promise<object> {
  await session.post("HeapProfiler.startSampling");
  await delay(ms, undefined, { signal });
  const { profile } = await session.post("HeapProfiler.stopSampling");
  return profile;
}

function durationMs(seconds: string | null): number {
  const number = seconds === null ? defaultSeconds : Number(seconds);
  if (!(number > 0)) throw new RangeError(`seconds: expected a number above 0, found "${seconds}"`);
  return Math.min(number, maxSeconds) * 1000;
}
