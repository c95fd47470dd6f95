import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startOtlpReceiver } from "@jobscope/labkit/testing";
import { aVariable } from "./support/job-payload.ts";
import { filesOfJobs, leftInTemporary, processesOfJobs } from "./support/job-remains.ts";
import { startRunnerProcess } from "./support/runner-process.ts";
import {
  type CallKind,
  type RecordedCall,
  type ScriptableCoordinator,
  startScriptableCoordinator,
} from "./support/scriptable-coordinator.ts";
import { aScriptJob } from "./support/with-manager.ts";

/** A phase of a job, how it is recognised, and which spans the trace must have of it afterwards. */
interface KilledPhase {
  readonly phase: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** A call that the coordinator leaves unanswered; without it the job's script says that the phase is reached. */
  readonly hangsOn?: { readonly kind: CallKind; readonly state?: string };
  /** What the trace must have, by name: spans that were done, and those that the next start had to close. */
  readonly spans: Readonly<Record<string, "done" | "open">>;
}

/** Says that it is reached, leaves a process in a group of its own, and stays. */
const linger = ["setsid sleep 600 < /dev/null > /dev/null 2>&1 &", "echo here > $REACHED", "sleep 600"];
const artifact = { name: "out", paths: ["out.txt"], when: "always", artifact_type: "archive", artifact_format: "zip" };

const phases: readonly KilledPhase[] = [
  { phase: "the acknowledgement", payload: {}, hangsOn: { kind: "update" }, spans: {} },
  {
    phase: "get_sources",
    payload: {
      hooks: [{ name: "pre_get_sources_script", script: linger }],
      variables: [aVariable("GIT_STRATEGY", "clone")],
    },
    spans: { prepare_executor: "done", get_sources: "open", job_execution: "open" },
  },
  {
    phase: "step_script",
    payload: { steps: [{ name: "script", script: linger }] },
    spans: { step_script: "open", job_execution: "open" },
  },
  {
    phase: "after_script",
    payload: {
      steps: [
        { name: "script", script: ["true"] },
        { name: "after_script", script: linger },
      ],
    },
    spans: { step_script: "done", after_script: "open", job_execution: "open" },
  },
  {
    phase: "upload_artifacts",
    payload: { steps: [{ name: "script", script: ["echo text > out.txt"] }], artifacts: [artifact] },
    hangsOn: { kind: "upload" },
    spans: { step_script: "done", upload_artifacts: "open", job_execution: "open" },
  },
  {
    phase: "the final update",
    payload: {},
    hangsOn: { kind: "update", state: "success" },
    spans: { job_execution: "done" },
  },
];

test("after kill -9 in every phase, the next start ends the processes, removes the files and closes the traces", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-killed-"));
  await using coordinator = await startScriptableCoordinator();
  await using receiver = await startOtlpReceiver();
  const jobs = await Promise.all(phases.map((phase, index) => aKilledJob(phase, index + 1, directory)));
  coordinator.script("request", ...jobs.map(({ answer }) => answer));
  for (const kind of ["update", "upload"] as const) {
    const hangs = (call: RecordedCall) => jobs.some((job) => job.hangsOn(kind, call));
    coordinator.always(kind, (call) =>
      hangs(call) ? { misbehave: "hang" } : { status: kind === "update" ? 200 : 201 },
    );
  }
  const runner = { name: "killed", url: coordinator.url, token: "glrt-killed", executor: "shell" };
  const telemetry = {
    mode: "always",
    endpoint_policy: "add",
    spool_dir: path.join(directory, "spool"),
    endpoints: [{ url: receiver.url }],
  };
  const config = { concurrent: 8, check_interval: 1, telemetry, runners: [{ ...runner, request_concurrency: 8 }] };

  await using killed = await startRunnerProcess({ directory, config });
  await Promise.all(jobs.map(({ reached }) => reached(coordinator)));
  assert.notDeepEqual(await processesOfJobs(killed.pid), []);
  assert.notDeepEqual(await filesOfJobs(directory), []);
  await killed.kill();

  await using next = await startRunnerProcess({ directory, config });
  assert.deepEqual(await processesOfJobs(killed.pid), [], "no process of the killed runner's jobs is left");
  assert.deepEqual(await filesOfJobs(directory), []);
  for (const { phase, traceId, spans } of jobs) {
    for (const [name, expected] of Object.entries(spans)) {
      const find = () => receiver.spans.find((span) => span.traceId === traceId && span.name === name);
      await receiver
        .waitFor(() => find() !== undefined, { signal: AbortSignal.timeout(10_000) })
        .catch(() => {
          assert.fail(`${name} of the job that was killed in ${phase} never arrived`);
        });
      const span = find();
      const found = span?.status.code === 2 ? span.attributes["error.type"] : "done";
      assert.equal(found, expected === "open" ? "runner_system_failure" : "done", `${name}, killed in ${phase}`);
    }
  }
  assert.equal(await next.stop(), 0);
  assert.deepEqual(await leftInTemporary(directory), []);
  await rm(directory, { recursive: true });
});

async function aKilledJob({ phase, payload, hangsOn, spans }: KilledPhase, id: number, directory: string) {
  const reachedFile = path.join(directory, `reached-${id}`);
  await promisify(execFile)("mkfifo", [reachedFile]);
  const traceId = id.toString(16).padStart(32, "0");
  const strategy = (payload["variables"] ?? [aVariable("GIT_STRATEGY", "none")]) as object[];
  const variables = [...strategy, aVariable("REACHED", reachedFile), aVariable("SECRET", "s", { file: true })];
  const features = { tracing: { trace_id: traceId, otel_endpoints: [] } };
  const isHanging = ({ path: at, json }: RecordedCall) =>
    at.includes(`/jobs/${id}`) && (hangsOn?.state === undefined || json?.["state"] === hangsOn.state);
  return {
    phase,
    traceId,
    spans,
    answer: aScriptJob(id, ["true"], { ...payload, variables, features }),
    hangsOn: (kind: CallKind, call: RecordedCall) => hangsOn?.kind === kind && isHanging(call),
    async reached(coordinator: ScriptableCoordinator) {
      if (hangsOn === undefined) await readFile(reachedFile);
      else await coordinator.waitFor(hangsOn.kind, isHanging);
    },
  };
}
