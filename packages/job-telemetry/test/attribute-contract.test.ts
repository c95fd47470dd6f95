import assert from "node:assert/strict";
import { test } from "node:test";
import { attributesBySpan } from "@jobscope/job-telemetry";

/** The tables of telemetry.md §2, copied: name, and its type where the contract says one (string otherwise). */
const contract = {
  everySpan:
    "ci.job.id:int ci.project.id:int ci.pipeline.id ci.pipeline.source ci.runner.id:int ci.runner.executor error.type",
  jobExecution:
    "ci.job.name ci.job.stage ci.job.status ci.job.failure_reason ci.job.exit_code:int ci.job.allow_failure:bool ci.job.timeout_s:int " +
    "ci.job.queued_duration_s:double ci.job.url ci.job.attempt:int ci.project.path ci.pipeline.iid ci.ref ci.sha ci.runner.description " +
    "ci.runner.system_id ci.runner.tags:string[] ci.job.log.bytes:int " +
    "ci.telemetry.dropped_spans:int ci.telemetry.truncated_values:int ci.telemetry.masked_values:int",
  jobExecutionOtel:
    "cicd.pipeline.name cicd.pipeline.run.id cicd.pipeline.run.url.full cicd.pipeline.task.name cicd.pipeline.task.run.id " +
    "cicd.pipeline.task.run.url.full cicd.pipeline.task.run.result cicd.worker.id cicd.worker.name vcs.repository.url.full " +
    "vcs.ref.head.name vcs.ref.head.revision vcs.ref.type vcs.change.id",
  stage:
    "ci.stage.name ci.stage.status ci.stage.attempt:int ci.stage.exit_code:int ci.stage.cpu_time_s:double ci.stage.memory_peak_bytes:int " +
    "ci.stage.network_receive_bytes:int ci.stage.network_transmit_bytes:int ci.stage.oom_killed:bool",
  prepareExecutor: "ci.executor.name ci.executor.services:string[]",
  pullImage:
    "ci.image.name ci.image.tag ci.image.digest ci.image.pull_policy ci.image.pulled:bool ci.image.size_bytes:int " +
    "ci.image.layers:int ci.image.role",
  getSources: "ci.git.operation ci.git.depth:int ci.git.filter ci.git.submodules ci.git.received_bytes:int",
  cache:
    "ci.cache.key ci.cache.hit:bool ci.cache.fallback_key ci.cache.size_bytes:int ci.cache.files:int ci.cache.policy ci.cache.backend " +
    "ci.cache.skipped:bool",
  artifacts:
    "ci.artifact.name ci.artifact.type ci.artifact.format ci.artifact.size_bytes:int ci.artifact.files:int ci.artifact.from_job",
  function:
    "ci.function.name ci.function.version ci.function.status ci.function.type ci.function.exit_code:int ci.function.depth:int",
  generic:
    "ci.resource.type ci.resource.operation ci.resource.key ci.resource.hit:bool ci.network.rx_bytes:int ci.network.tx_bytes:int " +
    "ci.operation.retry_count:int",
};

/** Ours: the contract has the spans `command` and `section` and names no attributes for them. */
const beyondTheContract = {
  command: "ci.command.text ci.command.index:int ci.command.exit_code:int",
  section: "ci.section.name ci.section.collapsed:bool",
};

for (const [group, text] of Object.entries({ ...contract, ...beyondTheContract })) {
  test(`the attributes of ${group} are those of the contract`, () => {
    const expected = Object.fromEntries(
      text
        .split(" ")
        .map((entry) => entry.split(":"))
        .map(([name, type = "string"]) => [name, type]),
    );
    assert.deepEqual(attributesBySpan[group as keyof typeof attributesBySpan], expected);
  });
}

test("there are no other groups, and no name is in two of them", () => {
  assert.deepEqual(Object.keys(attributesBySpan).sort(), Object.keys({ ...contract, ...beyondTheContract }).sort());
  const names = Object.values(attributesBySpan).flatMap((group) => Object.keys(group));
  assert.equal(new Set(names).size, names.length);
});
