import type { ManagerStatus } from "./manager-status.ts";

/**
 * What `/debug/telemetry` answers: the counters and states of all endpoints as labkit's `EndpointStats`, in JSON. For
 * `jobscope telemetry status`, and for people. No tokens. Rule: telemetry.md §4 "Observable".
 */
export function telemetryState({ systemId, telemetry }: ManagerStatus): string {
  const state = { pid: process.pid, systemId, now: Date.now(), endpoints: telemetry };
  return `${JSON.stringify(state, undefined, 2)}\n`;
}
