import { setTimeout as delay } from "node:timers/promises";
import { processStat } from "../process-table.ts";

/** How long a process is waited for. Rule: runner-protocol.md §2.8. */
export interface StopLimits {
  /** Between SIGTERM and SIGKILL. Default: ten minutes. */
  readonly graceMs: number;
  /** After SIGKILL, before it is given up. Default: ten seconds. */
  readonly killMs: number;
}

export const defaultStopLimits: StopLimits = { graceMs: 600_000, killMs: 10_000 };

/** How often a process is looked at that is not our child, so that nobody tells us of its end. */
const pollMs = 20;

/**
 * Asks a process group to end, then kills it.
 *
 * @param exited resolves when the group's leader is gone.
 * @returns false when the leader outlived even SIGKILL.
 */
export async function stopGroup(leaderPid: number, exited: Promise<unknown>, limits: StopLimits): Promise<boolean> {
  signalGroup(leaderPid, "SIGTERM");
  if (await isSettledWithin(exited, limits.graceMs)) return true;
  signalGroup(leaderPid, "SIGKILL");
  return isSettledWithin(exited, limits.killMs);
}

/**
 * Ends processes that are not our children: politely, then not. A negative pid means a process group.
 *
 * @returns how many there were.
 */
export async function stopProcesses(pids: readonly number[], limits: StopLimits): Promise<number> {
  for (const pid of pids) signalProcess(pid, "SIGTERM");
  if (await areGoneWithin(pids, limits.graceMs)) return pids.length;
  for (const pid of pids) signalProcess(pid, "SIGKILL");
  await areGoneWithin(pids, limits.killMs);
  return pids.length;
}

/** Whether any process of the group lives, the leader included. */
export function isGroupAlive(leaderPid: number): boolean {
  return signalProcess(-leaderPid, 0);
}

export function signalGroup(leaderPid: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-leaderPid, signal);
}

/** @returns false when there is no such process (any more). */
function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ESRCH") return false;
    if (code === "EPERM") return true;
    throw error;
  }
}

async function areGoneWithin(pids: readonly number[], ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  for (const pid of pids) {
    while (isRunning(pid)) {
      if (performance.now() >= deadline) return false;
      await delay(pollMs);
    }
  }
  return true;
}

/** A process that has ended counts as gone, also when its parent never asks for it. */
function isRunning(pid: number): boolean {
  return signalProcess(pid, 0) && processStat(Math.abs(pid))?.isZombie !== true;
}

async function isSettledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  const timeout = delay(ms, false, { signal: timer.signal }).catch(() => false);
  const settled = await Promise.race([promise.then(() => true), timeout]);
  timer.abort();
  return settled;
}
