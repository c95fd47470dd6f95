import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { silentLog } from "@jobscope/labkit";
import { type Coordinator, type Pipeline, startCoordinator } from "../src/index.ts";
import { aRepository, temporaryFolder } from "./support/temporary-repository.ts";
import { type TestPayload, TestRunner } from "./support/test-runner.ts";

const config = `
stages: [a, b, c]
one: { stage: a, script: [x], retry: 1, artifacts: { paths: [p] } }
waits: { stage: a, script: [x], when: manual, allow_failure: false }
two: { stage: b, script: [x], needs: [one], resource_group: r }
also: { stage: b, script: [x], needs: [one], resource_group: r }
child: { stage: b, trigger: { include: child.yml, strategy: depend } }
alert: { stage: c, script: [x], when: on_failure }
last: { stage: c, script: [x] }
`;
const files = { ".gitlab-ci.yml": config, "child.yml": "inner: { script: [x] }" };
const options = { listen: "127.0.0.1:0", log: silentLog, telemetry: { form: "none", endpoints: [] } } as const;

/** The files of a data directory as a `kill -9` right after a write would leave them, and what the runner then had. */
interface Remains {
  readonly dataDir: string;
  readonly held: readonly TestPayload[];
}

test("whichever write is the last before a crash, the next start takes the pipeline to the same end", async (context) => {
  using folder = temporaryFolder();
  const repository = aRepository(join(folder.path, "app"), files);
  const dataDir = join(folder.path, "data");
  const remains: Remains[] = [];
  const held = new Map<number, TestPayload>();
  const stopCopying = afterEachCommit(context, () => {
    const copy = join(folder.path, `crash-${remains.length}`);
    mkdirSync(copy);
    for (const name of readdirSync(dataDir).filter((entry) => entry !== "repositories"))
      cpSync(join(dataDir, name), join(copy, name), { recursive: true });
    remains.push({ dataDir: copy, held: [...held.values()] });
  });
  const coordinator = await startCoordinator({ ...options, dataDir, longPollMs: 5_000 });
  const { token } = coordinator.createRunnerToken({ description: "r" });
  const pipeline = await coordinator.createPipeline({ repository });
  await workToTheEnd(coordinator, pipeline, new TestRunner(coordinator.url, token), held);
  const expected = endOf(coordinator);
  stopCopying();
  await coordinator[Symbol.asyncDispose]();
  assert.ok(remains.length > 25, `${remains.length} commits`);
  assert.equal(expected.filter((line) => line.endsWith("success")).length, 7, expected.join("\n"));

  for (const { dataDir: copy, held: payloads } of remains) {
    await using after = await startCoordinator({ ...options, dataDir: copy, longPollMs: 5_000 });
    const [root] = after.pipelines();
    if (root === undefined) continue;
    const runner = new TestRunner(after.url, token);
    const got = new Map(payloads.map((job) => [job.id, job]));
    giveBackWhatNobodyGot(after, got);
    for (const job of got.values()) await finish(runner, job);
    await workToTheEnd(after, root, runner, new Map());
    assert.deepEqual(endOf(after), expected, copy);
    for (const { id, name, state } of root.jobs()) {
      if (state !== "success" || name === "child") continue;
      assert.equal(Buffer.from(await after.readJobLog(id)).toString(), `ran ${name}\n`);
    }
  }
});

/** Calls back right after each transaction, when all that is certain to survive is what is on the disk. */
function afterEachCommit(context: TestContext, call: () => void): () => void {
  const exec = DatabaseSync.prototype.exec;
  const mocked = context.mock.method(DatabaseSync.prototype, "exec", function (this: DatabaseSync, sql: string) {
    exec.call(this, sql);
    if (sql === "COMMIT") call();
  });
  return () => mocked.mock.restore();
}

/** The first attempt of `one` fails; the manual job is played; everything else passes. */
async function finish(runner: TestRunner, job: TestPayload): Promise<void> {
  const isFirst = job.id === 1;
  if (job.job_info.name === "one") await runner.upload(job, "artifact_type=archive", "a.zip", new Uint8Array([1]));
  await runner.finish(job, { exitCode: isFirst ? 1 : 0 });
}

async function workToTheEnd(
  coordinator: Coordinator,
  pipeline: Pipeline,
  runner: TestRunner,
  held: Map<number, TestPayload>,
): Promise<void> {
  const all = () => coordinator.pipelines().flatMap((each) => each.jobs());
  const wakeUp = new AbortController();
  pipeline.on("pipeline", ({ state }) => state === "success" && wakeUp.abort());
  const isOver = () => pipeline.view().state === "success";
  while (!isOver()) {
    for (const { id, state } of all()) if (state === "manual") coordinator.playJob(id);
    const job = await runner.requestJob(wakeUp.signal).catch(() => undefined);
    if (job === undefined) continue;
    held.set(job.id, job);
    await finish(runner, job);
    held.delete(job.id);
  }
}

/** A hand-out that was stored and never answered: the runner polls again, and a watchdog would wait a minute. */
function giveBackWhatNobodyGot(coordinator: Coordinator, got: ReadonlyMap<number, TestPayload>): void {
  for (const pipeline of coordinator.pipelines()) {
    for (const { id, state, name } of pipeline.jobs()) {
      if (state !== "running" || got.has(id) || name === "child") continue;
      coordinator.cancelJob(id, { force: true });
      coordinator.retryJob(id);
    }
  }
}

/** How it all ended, by name: attempts that a crash cost do not count. */
function endOf(coordinator: Coordinator): string[] {
  const jobs = coordinator.pipelines().flatMap((pipeline) => pipeline.jobs());
  return jobs
    .filter(({ retried }) => !retried)
    .map(({ name, state }) => `${name} ${state}`)
    .sort();
}

test("while the disk refuses, nobody is told that something is done; afterwards all of it is stored", async (context) => {
  using folder = temporaryFolder();
  const repository = aRepository(join(folder.path, "app"), { ".gitlab-ci.yml": "job: { script: [x] }" });
  const dataDir = join(folder.path, "data");
  let isFull = false;
  const exec = DatabaseSync.prototype.exec;
  context.mock.method(DatabaseSync.prototype, "exec", function (this: DatabaseSync, sql: string) {
    if (isFull && sql === "COMMIT") throw new Error("database or disk is full");
    exec.call(this, sql);
  });
  const before = await startCoordinator({ ...options, dataDir, longPollMs: 0 });
  const { token } = before.createRunnerToken({ description: "r" });
  await before.createPipeline({ repository });
  const runner = new TestRunner(before.url, token);
  isFull = true;
  await assert.rejects(runner.requestJob(), /jobs\/request: 503/);
  isFull = false;
  const job = await runner.nextJob();
  isFull = true;
  assert.equal(await runner.finish(job), 500);
  isFull = false;
  const ended = await runner.put(job, { state: "success" });
  assert.deepEqual(
    [ended.status, ended.headers.get("job-status")],
    [403, "success"],
    "it had ended, and that is stored now",
  );
  await before[Symbol.asyncDispose]();
  await using after = await startCoordinator({ ...options, dataDir });
  assert.equal((await after.pipelines()[0]?.finished)?.state, "success");
});

const program = fileURLToPath(new URL("./support/crashing-coordinator.ts", import.meta.url));

test("a process that is really killed leaves a state that the next one can use", { timeout: 60_000 }, async () => {
  using folder = temporaryFolder();
  const repository = aRepository(join(folder.path, "app"), { ".gitlab-ci.yml": "job: { script: [x] }" });
  const dataDir = join(folder.path, "data");
  const args = ["--conditions=jobscope-source", "--disable-warning=ExperimentalWarning", program, dataDir, repository];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const [line] = await once(createInterface(child.stdout), "line");
  const { url, token } = JSON.parse(String(line));
  const job = await new TestRunner(url, token).nextJob();
  child.kill("SIGKILL");
  await closed;
  await using after = await startCoordinator({ ...options, dataDir });
  assert.equal(await new TestRunner(after.url, token).finish(job), 200);
  assert.equal((await after.pipelines()[0]?.finished)?.state, "success");
});
