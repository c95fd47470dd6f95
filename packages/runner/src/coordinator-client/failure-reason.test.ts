import assert from "node:assert/strict";
import { test } from "node:test";
import { type FailureReason, failureReasons, reportableFailureReason } from "./failure-reason.ts";

const unlisted: Readonly<Record<FailureReason, FailureReason>> = {
  script_failure: "script_failure",
  runner_system_failure: "runner_system_failure",
  job_execution_timeout: "job_execution_timeout",
  image_pull_failure: "runner_system_failure",
  runner_configuration_error: "script_failure",
  runner_external_dependency_failure: "runner_system_failure",
  runner_interrupted: "unknown_failure",
  job_canceled: "unknown_failure",
  unknown_failure: "unknown_failure",
};

for (const reason of failureReasons) {
  test(`a coordinator that lists nothing hears ${unlisted[reason]} for ${reason} (runner-protocol.md §2.7)`, () => {
    assert.equal(reportableFailureReason(reason, []), unlisted[reason]);
  });
  test(`a coordinator that lists ${reason} hears it`, () => {
    assert.equal(reportableFailureReason(reason, [reason]), reason);
  });
}
