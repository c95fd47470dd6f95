// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the expressions of functions look like that
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  aScriptJob,
  aVariable,
  type CallKind,
  filesOfJobs,
  leftInTemporary,
  processesOfJobs,
  type RecordedCall,
  type ScriptableCoordinator,
  startRunnerProcess,
  startScriptableCoordinator,
} from "@jobscope/runner/testing";
import { startTestCollector } from "../support/stack.ts";
import { readStoredSpans } from "../support/stored-spans.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A phase of a job, how it is recognised, and which spans the trace must have of it afterwards. */
interface KilledPhase {
  readonly phase: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** A call that the coordinator leaves unanswered; without it the job's script says that the phase is reached. */
  readonly hangsOn?: { readonly kind: CallKind; readonly state?: string };
  /** All that the trace has afterwards, each once: spans that were done, and those that the next start had to close. */
  readonly spans: Readonly<Record<string, "done" | "open">>;
}

/** Says that it is reached, leaves a process in a group of its own, and stays. */
const linger = ["setsid sleep 600 < /dev/null > /dev/null 2>&1 &", "echo here > $REACHED", "sleep 600"];
const artifact = { name: "out", paths: ["out.txt"], when: "always", artifact_type: "archive", artifact_format: "zip" };

const prepared = { prepare_executor: "done", prepare_script: "done" } as const;
const fetched = { ...prepared, get_sources: "done" } as const;
const cache = { key: "k", paths: ["out.txt"], policy: "pull-push", when: "always" };
/** Another job's artifacts; that job has the id of this one and 100 more. */
const dependency = { name: "earlier", token: "glcbt-0", artifacts_file: { filename: "out.zip", size: 100 } };

const phases: readonly KilledPhase[] = [
  { phase: "the acknowledgement", payload: {}, hangsOn: { kind: "update" }, spans: {} },
  {
    phase: "get_sources",
    payload: {
      hooks: [{ name: "pre_get_sources_script", script: linger }],
      variables: [aVariable("GIT_STRATEGY", "clone")],
    },
    spans: { ...prepared, get_sources: "open", job_execution: "open" },
  },
  {
    phase: "download_artifacts",
    payload: { cache: [cache], dependencies: [dependency] },
    hangsOn: { kind: "download" },
    spans: { ...fetched, restore_cache: "done", download_artifacts: "open", job_execution: "open" },
  },
  {
    phase: "step_script",
    payload: { steps: [{ name: "script", script: linger }] },
    spans: { ...fetched, step_script: "open", job_execution: "open" },
  },
  {
    phase: "a function",
    payload: {
      steps: [],
      run: JSON.stringify([
        { name: "first", script: "true" },
        { name: "second", script: linger.join("\n").replace("$REACHED", "${{ vars.REACHED }}") },
      ]),
    },
    spans: { ...fetched, first: "done", second: "open", job_execution: "open" },
  },
  {
    phase: "after_script",
    payload: {
      steps: [
        { name: "script", script: ["true"] },
        { name: "after_script", script: linger },
      ],
    },
    spans: { ...fetched, step_script: "done", after_script: "open", job_execution: "open" },
  },
  {
    phase: "upload_artifacts",
    payload: { steps: [{ name: "script", script: ["echo text > out.txt"] }], artifacts: [artifact], cache: [cache] },
    hangsOn: { kind: "upload" },
    spans: {
      ...fetched,
      restore_cache: "done",
      step_script: "done",
      archive_cache: "done",
      upload_artifacts: "open",
      job_execution: "open",
    },
  },
  {
    phase: "the last part of the job log",
    payload: {},
    hangsOn: { kind: "patch" },
    spans: { ...fetched, step_script: "done", cleanup_file_variables: "done", job_execution: "done" },
  },
  {
    phase: "the final update",
    payload: {},
    hangsOn: { kind: "update", state: "success" },
    spans: { ...fetched, step_script: "done", cleanup_file_variables: "done", job_execution: "done" },
  },
];

test("after kill -9 in every phase, the next start ends the processes, removes the files and closes the traces: each span is in ClickHouse once", async () => {
  await using top = await temporaryDirectory();
  const directory = top.path;
  await using collector = await startTestCollector(path.join(directory, "store"));
  await using coordinator = await startScriptableCoordinator();
  const jobs = await Promise.all(
    phases.map((phase, index) => aKilledJob(phase, index + 1, { directory, otlpUrl: collector.otlpHttpUrl })),
  );
  // A SIGKILL may take the spans of the last few milliseconds along: whoever has just ended must not be the last.
  const ending = jobs.filter(({ spans }) => spans["job_execution"] === "done");
  const haveEnded = Promise.all(ending.map(({ reached }) => reached(coordinator)));
  const others = jobs.filter((job) => !ending.includes(job)).map(({ answer }) => ({ ...answer, after: haveEnded }));
  coordinator.script("request", ...ending.map(({ answer }) => answer), ...others);
  for (const kind of ["update", "upload", "download", "patch"] as const) {
    const hangs = (call: RecordedCall) => jobs.some((job) => job.hangsOn(kind, call));
    const friendly = friendlyAnswer[kind];
    coordinator.always(kind, (call) => (hangs(call) ? { misbehave: "hang" } : friendly(call)));
  }
  const runner = { name: "killed", url: coordinator.url, token: "glrt-killed", executor: "shell" };
  const telemetry = { spool_dir: path.join(directory, "spool") };
  const config = { concurrent: 16, check_interval: 1, telemetry, runners: [{ ...runner, request_concurrency: 16 }] };

  await using killed = await startRunnerProcess({ directory, config });
  await Promise.all(jobs.map(({ reached }) => reached(coordinator)));
  assert.notDeepEqual(await processesOfJobs(killed.pid), []);
  assert.notDeepEqual(await filesOfJobs(directory), []);
  await killed.kill();

  await using next = await startRunnerProcess({ directory, config });
  assert.deepEqual(await processesOfJobs(killed.pid), [], "no process of the killed runner's jobs is left");
  assert.deepEqual(await filesOfJobs(directory), []);
  // What the killed one left is sent before it ends.
  assert.equal(await next.stop(), 0);
  for (const { phase, traceId, spans } of jobs) {
    const stored = await readStoredSpans(collector.apiUrl ?? "", traceId);
    const found = stored.map(({ SpanName, StatusCode, Attributes }) => {
      const state = StatusCode === "Error" ? Attributes["error.type"] : "done";
      return `${SpanName} ${state === "runner_system_failure" ? "open" : state}`;
    });
    const expected = Object.entries(spans).map(([name, state]) => `${name} ${state}`);
    assert.deepEqual(found.sort(), expected.sort(), `the trace of the job that was killed in ${phase}`);
  }
  assert.deepEqual(await leftInTemporary(directory), []);
});

const friendlyAnswer = {
  update: () => ({ status: 200 }),
  upload: () => ({ status: 201 }),
  download: () => ({ status: 404 }),
  patch: (call: RecordedCall) => {
    const end = Number(/-(\d+)$/.exec(String(call.headers["content-range"]))?.[1] ?? -1) + 1;
    return { status: 202, headers: { range: `0-${end}` } };
  },
};

/** Only its payload knows where the spans go. */
async function aKilledJob(
  { phase, payload, hangsOn, spans }: KilledPhase,
  id: number,
  { directory, otlpUrl }: { directory: string; otlpUrl: string | undefined },
) {
  const reachedFile = path.join(directory, `reached-${id}`);
  await promisify(execFile)("mkfifo", [reachedFile]);
  const traceId = id.toString(16).padStart(32, "0");
  const strategy = (payload["variables"] ?? [aVariable("GIT_STRATEGY", "none")]) as object[];
  const variables = [...strategy, aVariable("REACHED", reachedFile), aVariable("SECRET", "s", { file: true })];
  const features = { tracing: { trace_id: traceId, otel_endpoints: [{ url: otlpUrl }] } };
  const dependencies = ((payload["dependencies"] ?? []) as object[]).map((each) => ({ ...each, id: id + 100 }));
  const jobOf = ({ path: at }: RecordedCall) => Number(/\/jobs\/(\d+)/.exec(at)?.[1]) % 100;
  const isHanging = (call: RecordedCall) =>
    jobOf(call) === id && (hangsOn?.state === undefined || call.json?.["state"] === hangsOn.state);
  return {
    phase,
    traceId,
    spans,
    answer: aScriptJob(id, ["true"], { ...payload, dependencies, variables, features }),
    hangsOn: (kind: CallKind, call: RecordedCall) => hangsOn?.kind === kind && isHanging(call),
    async reached(coordinator: ScriptableCoordinator) {
      if (hangsOn === undefined) await readFile(reachedFile);
      else await coordinator.waitFor(hangsOn.kind, isHanging);
    },
  };
}
