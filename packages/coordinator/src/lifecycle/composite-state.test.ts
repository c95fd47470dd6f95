import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobState } from "../job-state.ts";
import { compositeState } from "./composite-state.ts";

/** A state with a `?` may fail. Source: spec of GitLab's Gitlab::Ci::Status::Composite. */
const cases: readonly [states: string, all: JobState, asNeeds?: JobState][] = [
  ["", "success"],
  ["success", "success", "success"],
  ["success success", "success", "success"],
  ["success failed", "failed", "failed"],
  ["success failed?", "success", "success"],
  ["success canceled?", "success", "success"],
  ["success skipped", "success", "skipped"],
  ["skipped", "skipped", "skipped"],
  ["skipped failed", "failed", "skipped"],
  ["success manual", "manual", "manual"],
  ["success manual?", "success", "skipped"],
  ["manual?", "skipped", "skipped"],
  ["created", "created", "pending"],
  ["created success", "running", "pending"],
  ["pending success", "running", "pending"],
  ["pending created", "pending", "pending"],
  ["running failed", "running", "pending"],
  ["canceled success", "canceled", "canceled"],
  ["canceled failed", "failed", "failed"],
  ["canceling success", "canceling", "pending"],
  ["scheduled success", "scheduled", "pending"],
  ["waiting_for_resource success", "waiting_for_resource", "pending"],
];

function outcomes(states: string) {
  return states
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => ({ state: word.replace("?", "") as JobState, allowFailure: word.endsWith("?") }));
}

for (const [states, all, asNeeds] of cases) {
  test(`[${states}] adds up to ${all}`, () => assert.equal(compositeState(outcomes(states)), all));
  if (asNeeds !== undefined) {
    test(`needs that are [${states}] are ${asNeeds}`, () =>
      assert.equal(compositeState(outcomes(states), true), asNeeds));
  }
}
