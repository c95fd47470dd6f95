import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
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
    stages: [script, afterScript, "Saving cache for successful job", "Uploading artifacts for successful job", cleanup],
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
    stages: [script, afterScript, "Saving cache for successful job", "Uploading artifacts for successful job", cleanup],
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
      const ran = text.split("\n").filter((line) => [...allAfterFailure, ...row.stages].includes(line));
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

async function runWithEvent(bench: JobBench, { job, event }: MatrixRow) {
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
  return bench.run(aJob(job), { signal: aborting.signal, cancelSignal: canceling.signal, onLog });
}
