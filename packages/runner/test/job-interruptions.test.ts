import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { RunnerConfig } from "../src/config/runner-config.ts";
import { JobInterruption } from "../src/job/job-interruption.ts";
import type { JobVerdict } from "../src/job/job-verdict.ts";
import { aJob, type JobWishes } from "./support/a-job.ts";
import { createJobBench, type JobBench } from "./support/run-a-job.ts";

/** What happens to a job, and when: as soon as its log has said `at`. */
type Event = { readonly kind: "none" } | { readonly kind: "cancel" | "abort" | "shutdown"; readonly at: string };

interface MatrixRow {
  readonly name: string;
  readonly job: JobWishes;
  readonly event: Event;
  readonly runner?: Partial<RunnerConfig>;
  readonly verdict: JobVerdict;
  /** Headings of the stages that ran after the script began or, without one, at all. */
  readonly stages: readonly string[];
  readonly says?: readonly string[];
}

const script = 'Executing "step_script" stage of the job script';
const afterScript = "Running after_script";
const failedCache = "Saving cache for failed job";
const failedArtifacts = "Uploading artifacts for failed job";
const cleanup = "Cleaning up project directory and file based variables";
const allAfterFailure = [script, afterScript, failedCache, failedArtifacts, cleanup];

const allAfterSuccess = [
  ...[script, afterScript, "Saving cache for successful job", "Uploading artifacts for successful job", cleanup],
];

const withEverything: JobWishes = {
  script: ["echo begun", "sleep 600"],
  afterScript: ['echo "status $CI_JOB_STATUS"'],
  caches: [{ key: "k", includesUntracked: false, paths: ["x"], when: "always", policy: "push", fallbackKeys: [] }],
  artifacts: [
    {
      ...{ name: "", includesUntracked: false, paths: ["x"], exclude: [], when: "always" },
      ...{ type: "archive", format: "zip", expireIn: "" },
    },
  ],
};

/** A job that stays in `get_sources`. */
const fetching: JobWishes = {
  ...withEverything,
  hooks: [{ name: "pre_get_sources_script", script: ["echo fetching", "sleep 600"] }],
  variables: { GIT_STRATEGY: "clone" },
};

function failed(failureReason: "script_failure" | "job_canceled" | "job_execution_timeout" | "runner_interrupted") {
  return { state: "failed", failureReason } as const;
}

/** Source: runner-protocol.md §2.8, row by row. */
const matrix: readonly MatrixRow[] = [
  {
    name: "a script that exits with 3",
    job: { ...withEverything, script: ["echo begun", "exit 3"] },
    event: { kind: "none" },
    verdict: { ...failed("script_failure"), message: "exit status 3", exitCode: 3 },
    stages: allAfterFailure,
    says: ["status failed", "ERROR: Job failed: exit status 3"],
  },
  {
    name: "a graceful cancel during the script",
    job: withEverything,
    event: { kind: "cancel", at: "begun\n" },
    verdict: { ...failed("job_canceled"), message: "canceled", interruptedBy: "coordinator-cancel" },
    stages: allAfterFailure,
    says: ["WARNING: script canceled externally (UI, API)", "status canceled", "ERROR: Job failed: canceled"],
  },
  {
    name: "a graceful cancel before the script",
    job: withEverything,
    event: { kind: "cancel", at: "Using Shell" },
    verdict: { ...failed("job_canceled"), message: "canceled", interruptedBy: "coordinator-cancel" },
    stages: [],
  },
  {
    name: "a graceful cancel during after_script",
    job: { ...withEverything, script: ["echo begun"], afterScript: ["echo late", "sleep 0.2", "echo done"] },
    event: { kind: "cancel", at: "late\n" },
    verdict: { state: "success" },
    stages: allAfterSuccess,
    says: ["done"],
  },
  {
    name: "an abort during the script",
    job: withEverything,
    event: { kind: "abort", at: "begun\n" },
    verdict: { ...failed("job_canceled"), message: "canceled", interruptedBy: "coordinator-abort" },
    stages: [script],
  },
  {
    name: "an abort during after_script",
    job: { ...withEverything, script: ["echo begun"], afterScript: ["echo late", "sleep 600"] },
    event: { kind: "abort", at: "late\n" },
    verdict: { ...failed("job_canceled"), message: "canceled", interruptedBy: "coordinator-abort" },
    stages: [script, afterScript],
  },
  {
    name: "RUNNER_SCRIPT_TIMEOUT",
    job: { ...withEverything, variables: { RUNNER_SCRIPT_TIMEOUT: "300ms" } },
    event: { kind: "none" },
    verdict: {
      ...failed("job_execution_timeout"),
      message: "script timeout: context deadline exceeded",
      interruptedBy: "timeout",
    },
    stages: allAfterFailure,
    says: ["WARNING: step_script could not run to completion because the timeout was exceeded", "status timedout"],
  },
  {
    name: "RUNNER_AFTER_SCRIPT_TIMEOUT",
    job: {
      ...withEverything,
      script: ["echo begun"],
      afterScript: ["echo late", "sleep 600"],
      variables: { RUNNER_AFTER_SCRIPT_TIMEOUT: "300ms" },
    },
    event: { kind: "none" },
    verdict: { state: "success" },
    stages: allAfterSuccess,
    says: ["WARNING: after_script could not run to completion", "WARNING: after_script failed, but job will continue"],
  },
  {
    name: "the job's timeout",
    job: { ...withEverything, timeoutMs: 1500 },
    event: { kind: "none" },
    verdict: {
      ...failed("job_execution_timeout"),
      message: "execution took longer than 1.5s seconds",
      interruptedBy: "timeout",
    },
    stages: [script],
    says: ["WARNING: step_script could not run to completion", "ERROR: Job failed: execution took longer than 1.5s"],
  },
  {
    name: "the job's timeout during after_script",
    job: { ...withEverything, script: ["echo begun"], afterScript: ["echo late", "sleep 600"], timeoutMs: 1500 },
    event: { kind: "none" },
    verdict: { ...failed("job_execution_timeout"), message: "execution took longer than 1.5s seconds" },
    stages: [script, afterScript],
  },
  {
    name: "the job's timeout while sources are fetched",
    job: { ...fetching, timeoutMs: 1500 },
    event: { kind: "none" },
    verdict: { ...failed("job_execution_timeout"), message: "execution took longer than 1.5s seconds" },
    stages: [],
  },
  {
    name: "get_sources_timeout",
    job: fetching,
    runner: { getSourcesTimeoutMs: 300 },
    event: { kind: "none" },
    verdict: { ...failed("job_execution_timeout"), message: "get sources timeout: exceeded timeout of 300ms" },
    stages: [],
    says: ["WARNING: get_sources could not run to completion because the timeout was exceeded"],
  },
  {
    name: "prepare_timeout",
    job: withEverything,
    runner: { prepareTimeoutMs: 1 },
    event: { kind: "none" },
    verdict: { ...failed("job_execution_timeout"), message: "prepare timeout: exceeded timeout of 1ms" },
    stages: [],
  },
  {
    name: "a get_sources_timeout above the job's has no effect",
    job: { ...withEverything, script: ["true"], afterScript: ["true"], timeoutMs: 60_000 },
    runner: { getSourcesTimeoutMs: 61_000 },
    event: { kind: "none" },
    verdict: { state: "success" },
    stages: allAfterSuccess,
  },
  {
    name: "a graceful cancel while sources are fetched",
    job: fetching,
    event: { kind: "cancel", at: "fetching\n" },
    verdict: { ...failed("job_canceled"), message: "canceled", interruptedBy: "coordinator-cancel" },
    stages: [],
  },
  {
    name: "a graceful cancel while caches are saved",
    job: { ...withEverything, script: ["echo begun"], afterScript: ["true"] },
    event: { kind: "cancel", at: "Saving cache" },
    verdict: { state: "success" },
    stages: allAfterSuccess,
  },
  {
    name: "an abort while caches are saved",
    job: { ...withEverything, script: ["echo begun"], afterScript: ["true"] },
    event: { kind: "abort", at: "Saving cache" },
    verdict: { ...failed("job_canceled"), message: "canceled", interruptedBy: "coordinator-abort" },
    stages: [script, afterScript, "Saving cache for successful job"],
  },
  {
    name: "a failing after_script with AFTER_SCRIPT_IGNORE_ERRORS=false",
    job: {
      ...withEverything,
      script: ["echo begun"],
      afterScript: ["exit 4"],
      variables: { AFTER_SCRIPT_IGNORE_ERRORS: "false" },
    },
    event: { kind: "none" },
    verdict: { ...failed("script_failure"), message: "exit status 4", exitCode: 4 },
    stages: allAfterFailure,
  },
  {
    name: "a failing after_script after a failing script, which comes first",
    job: {
      ...withEverything,
      script: ["exit 3"],
      afterScript: ["exit 4"],
      variables: { AFTER_SCRIPT_IGNORE_ERRORS: "false" },
    },
    event: { kind: "none" },
    verdict: { ...failed("script_failure"), message: "exit status 3", exitCode: 3 },
    stages: allAfterFailure,
  },
  {
    name: "a shutdown of the runner during after_script",
    job: { ...withEverything, script: ["echo begun"], afterScript: ["echo late", "sleep 600"] },
    event: { kind: "shutdown", at: "late\n" },
    verdict: { ...failed("runner_interrupted"), message: "aborted: terminated", interruptedBy: "shutdown" },
    stages: [script, afterScript],
  },
  {
    name: "a shutdown of the runner",
    job: withEverything,
    event: { kind: "shutdown", at: "begun\n" },
    verdict: { ...failed("runner_interrupted"), message: "aborted: terminated", interruptedBy: "shutdown" },
    stages: [script],
    says: ["ERROR: Job failed: aborted: terminated"],
  },
];

describe("what ends a job early", () => {
  let bench: JobBench;

  before(async () => {
    bench = await createJobBench();
  });

  after(() => bench[Symbol.asyncDispose]());

  for (const row of matrix) {
    test(row.name, async () => {
      const { text, verdict } = await runWithEvent(bench, row);
      assert.partialDeepStrictEqual(verdict, row.verdict);
      const headings = [...allAfterFailure, ...allAfterSuccess];
      const ran = text.split("\n").filter((line) => headings.includes(line));
      assert.deepEqual(ran, row.stages);
      for (const sentence of row.says ?? []) assert.ok(text.includes(sentence), `${sentence}\nis not in\n${text}`);
    });
  }

  test("a job whose signal is aborted before it begins runs nothing", async () => {
    const signal = AbortSignal.abort(new JobInterruption("shutdown", "aborted: interrupt"));
    const { verdict, text } = await bench.run(aJob(), { signal });
    assert.equal(verdict.state === "failed" && verdict.failureReason, "runner_interrupted");
    assert.equal(text.includes("Preparing"), false);
  });

  const unusable = [
    { value: "soon", warning: "Ignoring malformed RUNNER_SCRIPT_TIMEOUT timeout: soon" },
    { value: "-5s", warning: "Ignoring relative RUNNER_SCRIPT_TIMEOUT timeout: -5s" },
    { value: "2h", warning: "RUNNER_SCRIPT_TIMEOUT timeout: 2h is longer than job timeout. Setting to job timeout" },
  ];
  for (const { value, warning } of unusable) {
    test(`RUNNER_SCRIPT_TIMEOUT=${value} is ignored with a warning (runner-protocol.md §2.2)`, async () => {
      const { text, verdict } = await bench.run(aJob({ variables: { RUNNER_SCRIPT_TIMEOUT: value } }));
      assert.equal(verdict.state, "success");
      assert.ok(text.includes(`WARNING: ${warning}\n`));
    });
  }
});

async function runWithEvent(bench: JobBench, { job, event, runner = {} }: MatrixRow) {
  const aborting = new AbortController();
  const canceling = new AbortController();
  let said = "";
  const onLog = (text: string) => {
    said += text;
    if (event.kind === "none" || !said.includes(event.at)) return;
    if (event.kind === "cancel") canceling.abort(new JobInterruption("coordinator-cancel", "canceled"));
    else if (event.kind === "abort") aborting.abort(new JobInterruption("coordinator-abort", "canceled"));
    else aborting.abort(new JobInterruption("shutdown", "aborted: terminated"));
  };
  return bench.run(aJob(job), { runner, signal: aborting.signal, cancelSignal: canceling.signal, onLog });
}
