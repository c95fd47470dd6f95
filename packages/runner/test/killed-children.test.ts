import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { findMarkedProcesses } from "../src/executors/shell/process-mark.ts";
import type { JobVerdict } from "../src/job/job-verdict.ts";
import { aJob, type JobWishes } from "./support/a-job.ts";
import { aTrace } from "./support/a-trace.ts";
import { createJobBench, type JobBench } from "./support/run-a-job.ts";

interface KilledChild {
  readonly name: string;
  readonly job: JobWishes;
  /** Kills the process that the job's log names as `pid=…`, as soon as it does. */
  readonly fromOutside?: true;
  readonly verdict: JobVerdict;
  readonly says: readonly RegExp[];
  /** The span of the stage that it happened in. */
  readonly span: {
    readonly name: string;
    readonly exitCode: number | undefined;
    readonly errorType: string | undefined;
  };
}

const failed = { state: "failed", failureReason: "script_failure" } as const;
const exited137: JobVerdict = { ...failed, message: "exit status 137", exitCode: 137 };
const wasKilled: JobVerdict = { ...failed, message: "signal: killed", exitCode: -1 };
const tellsStatus = ['echo "then $CI_JOB_STATUS"'];

/** A shell says 128 + 9 for a command that SIGKILL ended; only of its own end does the runner see the signal. */
const rows: readonly KilledChild[] = [
  {
    name: "a command that is killed fails the script with 137",
    job: { script: ["sh -c 'kill -9 $$'", "echo never"], afterScript: tellsStatus },
    verdict: exited137,
    says: [/Killed/, /\nthen failed\n/, /ERROR: Job failed: exit status 137\n/],
    span: { name: "step_script", exitCode: 137, errorType: "script_failure" },
  },
  {
    name: "a command that is killed from outside does too",
    job: { script: ["sh -c 'echo pid=$$; exec sleep 600'"], afterScript: tellsStatus },
    fromOutside: true,
    verdict: exited137,
    says: [/\nthen failed\n/],
    span: { name: "step_script", exitCode: 137, errorType: "script_failure" },
  },
  {
    name: "a script that expects its command to be killed goes on",
    job: { script: ["sh -c 'kill -9 $$' || echo code $?", "echo on"], afterScript: tellsStatus },
    verdict: { state: "success" },
    says: [/\ncode 137\n/, /\non\n/, /\nthen success\n/],
    span: { name: "step_script", exitCode: 0, errorType: undefined },
  },
  {
    name: "a background process that is killed harms nothing",
    job: { script: ["sleep 600 & kill -9 $!", "echo on"] },
    verdict: { state: "success" },
    says: [/\non\n/],
    span: { name: "step_script", exitCode: 0, errorType: undefined },
  },
  {
    name: "a script's shell that is killed takes its commands along, and the stages after it still run",
    job: { script: ["sleep 617 & echo pid=$$", "wait"], afterScript: tellsStatus },
    fromOutside: true,
    verdict: wasKilled,
    says: [/\nthen failed\n/, /Cleaning up project directory/, /ERROR: Job failed: signal: killed\n/],
    span: { name: "step_script", exitCode: -1, errorType: "script_failure" },
  },
  {
    name: "the shell of get_sources that is killed fails the job before its script",
    job: {
      script: ["echo never"],
      hooks: [{ name: "pre_get_sources_script", script: ["echo pid=$$", "sleep 618"] }],
      variables: { GIT_STRATEGY: "clone" },
    },
    fromOutside: true,
    verdict: wasKilled,
    says: [/Cleaning up project directory/],
    span: { name: "get_sources", exitCode: -1, errorType: "script_failure" },
  },
  {
    name: "an after_script whose command is killed changes nothing",
    job: { script: ["true"], afterScript: ["sh -c 'kill -9 $$'"] },
    verdict: { state: "success" },
    says: [/WARNING: after_script failed, but job will continue unaffected: exit status 137\n/],
    span: { name: "after_script", exitCode: 137, errorType: "script_failure" },
  },
];

describe("kill -9 of a job's own processes", () => {
  let bench: JobBench;

  before(async () => {
    bench = await createJobBench();
  });

  after(() => bench[Symbol.asyncDispose]());

  for (const { name, job, fromOutside, verdict, says, span } of rows) {
    test(name, async () => {
      const { jobTrace, named } = aTrace();
      const onLog = fromOutside === undefined ? undefined : killNamed();
      const result = await bench.run(aJob(job), { jobTrace, ...(onLog === undefined ? {} : { onLog }) });
      assert.deepEqual(result.verdict, verdict);
      for (const sentence of says) assert.match(result.text, sentence);
      assert.doesNotMatch(result.text, /^never$/m);
      const [seen] = named(span.name);
      assert.deepEqual(
        { exitCode: seen?.attributes["ci.stage.exit_code"], errorType: seen?.attributes["error.type"] },
        { exitCode: span.exitCode, errorType: span.errorType },
      );
      assert.deepEqual(await livingSleeps(), []);
    });
  }
});

function killNamed(): (text: string) => void {
  let isDone = false;
  return (text) => {
    const pid = /\bpid=(\d+)\n/.exec(text)?.[1];
    if (pid === undefined || isDone) return;
    isDone = true;
    process.kill(Number(pid), "SIGKILL");
  };
}

/** Commands of the tests above that should have gone with their job. */
async function livingSleeps(): Promise<string[]> {
  const pids = [...(await findMarkedProcesses()).keys()];
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return commands.filter((command) => /^sleep\0(617|618)/.test(command));
}
