import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobState } from "../job-state.ts";
import type { ProcessMode } from "./records.ts";
import { nextOfGroup } from "./resource-group.ts";

/** States of the group's jobs, one a pipeline, oldest first, and the index of the one whose turn it is. */
const cases: readonly [mode: ProcessMode, states: JobState[], next: number | undefined][] = [
  ["unordered", ["created", "waiting_for_resource", "waiting_for_resource"], 1],
  ["oldest_first", ["created", "waiting_for_resource", "waiting_for_resource"], 0],
  ["oldest_first", ["success", "waiting_for_resource", "waiting_for_resource"], 1],
  ["newest_first", ["waiting_for_resource", "waiting_for_resource", "created"], 2],
  ["newest_first", ["waiting_for_resource", "waiting_for_resource", "skipped"], 1],
  ["newest_ready_first", ["waiting_for_resource", "waiting_for_resource", "created"], 1],
  ["newest_ready_first", ["created", "created", "created"], undefined],
  ["newest_first", ["running", "waiting_for_resource", "created"], undefined],
  ["unordered", ["waiting_for_resource", "canceling"], undefined],
  ["oldest_first", ["waiting_for_resource", "pending"], undefined],
];
for (const [mode, states, next] of cases) {
  test(`${mode}: of ${states.join(", ")} it is the turn of ${next ?? "none"}`, () => {
    const jobs = states.map((state, index) => ({ id: index, pipelineId: index, state }));
    assert.equal(nextOfGroup(jobs, mode)?.id, next);
  });
}
