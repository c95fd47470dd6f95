import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const patienceMs = 30_000;

/** Waits until no process has this id (a zombie counts as none: it has ended and waits for its parent). */
export async function processIsGone(pid: number): Promise<void> {
  assert.ok(Number.isInteger(pid) && pid > 1);
  await poll(() => !isAlive(pid), `process ${pid} is still there`);
}

/** Waits until a file is there and has something in it. */
export async function fileExists(path: string): Promise<void> {
  await poll(() => existsSync(path) && readFileSync(path, "utf8") !== "", `${path} did not appear`);
}

/** The operating system tells of neither, so these two ask again and again. */
async function poll(isSo: () => boolean, otherwise: string): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while (!isSo()) {
    if (performance.now() > untilMs) throw new Error(`after ${patienceMs} ms, ${otherwise}`);
    await delay(20);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const state = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
  return !/\) Z /.test(state);
}
