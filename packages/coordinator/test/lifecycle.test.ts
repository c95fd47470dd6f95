import assert from "node:assert/strict";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Gitlab } from "@gitbeaker/rest";
import { silentLog } from "@jobscope/labkit";
import { startCoordinator, unmetNeeds } from "../src/index.ts";
import { runningCoordinator } from "./support/running-coordinator.ts";
import { write } from "./support/temporary-repository.ts";
import { TestRunner } from "./support/test-runner.ts";

test("jobs follow stages and needs; a failure skips what comes after, except what says otherwise", async () => {
  await using stack = await runningCoordinator(`
stages: [build, test, deploy]
compile: { stage: build, script: [x] }
lint: { stage: build, script: [x], allow_failure: true }
unit: { stage: test, script: [x] }
early: { stage: deploy, script: [x], needs: [compile] }
release: { stage: deploy, script: [x] }
cleanup: { stage: deploy, script: [x], when: always }
alert: { stage: deploy, script: [x], when: on_failure }
`);
  const { coordinator, runner, repository } = stack;
  const pipeline = await coordinator.createPipeline({ repository });
  const order: string[] = [];
  for (let count = 0; count < 6; count += 1) {
    const job = await runner.nextJob();
    order.push(job.job_info.name);
    await runner.finish(job, { exitCode: ["lint", "unit"].includes(job.job_info.name) ? 1 : 0 });
  }
  assert.deepEqual(order, ["compile", "lint", "early", "unit", "cleanup", "alert"]);
  assert.equal((await pipeline.finished).state, "failed");
  assert.equal(pipeline.jobs().find(({ name }) => name === "release")?.state, "skipped");
});

test("a retried job is a new attempt of the same name; exit codes decide about retries and failures", async () => {
  await using stack = await runningCoordinator(`
flaky: { script: [x], retry: { max: 1, exit_codes: 75 } }
tolerated: { script: [x], allow_failure: { exit_codes: [3] } }
`);
  const { coordinator, runner, repository } = stack;
  const pipeline = await coordinator.createPipeline({ repository });
  await runner.finish(await runner.nextJob(), { exitCode: 75 });
  await runner.finish(await runner.nextJob(), { exitCode: 3 });
  await runner.finish(await runner.nextJob());
  assert.equal((await pipeline.finished).state, "success");
  assert.deepEqual(
    pipeline
      .jobs()
      .map(({ name, attempt, state, retried, allowFailure }) => [name, attempt, state, retried, allowFailure]),
    [
      ["flaky", 1, "failed", true, false],
      ["tolerated", 1, "failed", false, true],
      ["flaky", 2, "success", false, false],
    ],
  );
});

test("a manual job holds the pipeline until it is played; playing wakes what was skipped", async () => {
  await using stack = await runningCoordinator(`
stages: [gate, after]
gate: { stage: gate, script: [x], when: manual }
blocking: { stage: gate, script: [x], rules: [{ when: manual }] }
needing: { stage: after, script: [x], needs: [gate] }
after: { stage: after, script: [x] }
`);
  const { coordinator, runner, repository } = stack;
  const pipeline = await coordinator.createPipeline({ repository });
  assert.equal((await pipeline.finished).state, "manual");
  const stateOf = (name: string) => pipeline.jobs().find((job) => job.name === name)?.state;
  assert.deepEqual([stateOf("gate"), stateOf("needing"), stateOf("after")], ["manual", "skipped", "created"]);
  for (const name of ["gate", "blocking"])
    coordinator.playJob(pipeline.jobs().find((job) => job.name === name)?.id ?? 0);
  assert.equal(stateOf("needing"), "created");
  for (let count = 0; count < 4; count += 1) await runner.finish(await runner.nextJob());
  assert.equal(pipeline.view().state, "success");
  assert.throws(() => coordinator.playJob(1), { code: "not-allowed" });
});

test("retrying an ended job runs it and what was skipped because of it", async () => {
  await using stack = await runningCoordinator(
    "stages: [a, b]\none: { stage: a, script: [x] }\ntwo: { stage: b, script: [x] }",
  );
  const { coordinator, runner, repository } = stack;
  const pipeline = await coordinator.createPipeline({ repository });
  const events: string[] = [];
  pipeline.on("job", ({ name, attempt, state }) => events.push(`${name} ${attempt} ${state}`));
  await runner.finish(await runner.nextJob(), { exitCode: 1 });
  assert.equal((await pipeline.finished).state, "failed");
  coordinator.retryJob(1);
  await runner.finish(await runner.nextJob());
  await runner.finish(await runner.nextJob());
  assert.equal(pipeline.view().state, "success");
  assert.deepEqual(events, [
    "one 1 running",
    "one 1 failed",
    "two 1 skipped",
    "two 1 created",
    "one 2 created",
    "one 2 pending",
    "one 2 running",
    "one 2 success",
    "two 1 pending",
    "two 1 running",
    "two 1 success",
  ]);
});

test("a delayed job waits out its time, also across a restart, unless it is played", async (context) => {
  await using stack = await runningCoordinator("one: { script: [x] }");
  const { repository, folder } = stack;
  write(repository, {
    ".gitlab-ci.yml":
      "soon: { script: [x], when: delayed, start_in: 10 minutes }\nlater: { script: [x], when: delayed, start_in: 1 day }",
  });
  const telemetry = { form: "none", endpoints: [] } as const;
  const options = { listen: "127.0.0.1:0", log: silentLog, telemetry, dataDir: join(folder, "second") };
  const before = await startCoordinator(options);
  const { token } = before.createRunnerToken({ description: "r" });
  await before.createPipeline({ repository });
  await before[Symbol.asyncDispose]();
  context.mock.timers.enable({ apis: ["setTimeout"] });
  await using after = await startCoordinator(options);
  const [pipeline] = after.pipelines();
  const states = () => pipeline?.jobs().map(({ state }) => state);
  assert.deepEqual(states(), ["scheduled", "scheduled"]);
  context.mock.timers.tick(9 * 60_000);
  assert.deepEqual(states(), ["scheduled", "scheduled"]);
  context.mock.timers.tick(60_000);
  assert.deepEqual(states(), ["pending", "scheduled"]);
  after.playJob(pipeline?.jobs()[1]?.id ?? 0);
  context.mock.timers.reset();
  const runner = new TestRunner(after.url, token);
  await runner.finish(await runner.nextJob());
  await runner.finish(await runner.nextJob());
  assert.equal((await pipeline?.finished)?.state, "success");
});

test("with on_job_failure, which a workflow rule may choose, the first failure cancels what still runs", async () => {
  await using stack = await runningCoordinator(`
workflow:
  auto_cancel: { on_job_failure: none }
  rules: [{ if: $CI_COMMIT_BRANCH, auto_cancel: { on_job_failure: all } }]
tolerated: { script: [x], allow_failure: true }
fails: { script: [x] }
runs: { script: [x] }
waits: { script: [x], stage: deploy }
`);
  const { coordinator, runner, repository } = stack;
  const pipeline = await coordinator.createPipeline({ repository });
  await runner.finish(await runner.nextJob(), { exitCode: 1 });
  const fails = await runner.nextJob();
  const runs = await runner.nextJob();
  await runner.finish(fails, { exitCode: 1 });
  const canceling = await runner.patch(runs, "x", 0);
  assert.equal(canceling.headers.get("job-status"), "canceling");
  await runner.put(runs, { state: "failed", failure_reason: "job_canceled" });
  assert.equal((await pipeline.finished).state, "failed");
  assert.deepEqual(
    pipeline.jobs().map(({ state }) => state),
    ["failed", "failed", "canceled", "canceled"],
  );
});

test("of a resource group one job runs at a time, across pipelines", async () => {
  await using stack = await runningCoordinator("deploy: { script: [x], resource_group: prod }", { longPollMs: 100 });
  const { coordinator, runner, repository } = stack;
  const first = await coordinator.createPipeline({ repository });
  const second = await coordinator.createPipeline({ repository });
  assert.equal(second.jobs()[0]?.state, "waiting_for_resource");
  const job = await runner.nextJob();
  assert.equal(await runner.requestJob(), undefined);
  await runner.finish(job);
  await runner.finish(await runner.nextJob());
  assert.deepEqual([(await first.finished).state, (await second.finished).state], ["success", "success"]);
});

test("the process mode of a resource group, set through the API, decides whose turn it is", async () => {
  await using stack = await runningCoordinator("deploy: { script: [x], resource_group: prod }");
  const { coordinator, runner, repository } = stack;
  const api = new Gitlab({ host: coordinator.url, token: coordinator.localToken });
  const plans = [];
  for (let count = 0; count < 3; count += 1) plans.push(await coordinator.planPipeline({ repository }));
  const [first, second, third] = plans.map((plan) => coordinator.startPipeline(plan));
  const job = await runner.nextJob();
  assert.deepEqual(await api.ResourceGroups.all(1), [{ key: "prod", process_mode: "unordered" }]);
  await api.ResourceGroups.edit(1, "prod", { processMode: "newest_ready_first" });
  const upcoming = await api.ResourceGroups.allUpcomingJobs(1, "prod");
  assert.deepEqual(
    upcoming.map(({ pipeline }) => pipeline.id),
    [third?.id, second?.id],
  );
  await runner.finish(job);
  assert.equal((await runner.nextJob()).job_info["pipeline_id"], third?.id);
  assert.equal(first?.view().state, "success");
  await assert.rejects(api.ResourceGroups.show(1, "other"), /404|Not Found/);
});

test("a runner that leaves while its answer is on the way loses the job, and the next one gets it whole", async () => {
  await using stack = await runningCoordinator("big: { script: [x] }", { longPollMs: 30_000 });
  const { coordinator, runner, repository } = stack;
  const dead = coordinator.createRunnerToken({ description: "dead" });
  const body = JSON.stringify({ token: dead.token, system_id: "s_dead", info: { features: {} } });
  const { port, hostname } = new URL(coordinator.url);
  const socket = connect({ port: Number(port), host: hostname });
  const head = `POST /api/v4/jobs/request HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  // Never read: the answer is larger than what the sockets hold, so that it cannot have been written when we leave.
  socket.pause();
  socket.write(head + body);
  const variables = [{ key: "BIG", value: "y".repeat(16_000_000) }];
  const pipeline = await coordinator.createPipeline({ repository, variables });
  const back = Promise.withResolvers<void>();
  pipeline.on("job", ({ state }) => {
    if (state === "pending") back.resolve();
  });
  if (pipeline.jobs()[0]?.state !== "running") {
    const running = Promise.withResolvers<void>();
    pipeline.on("job", ({ state }) => state === "running" && running.resolve());
    await running.promise;
  }
  socket.destroy();
  await back.promise;
  const job = await runner.nextJob();
  assert.equal(job.variables.find(({ key }) => key === "BIG")?.value.length, 16_000_000);
  assert.match(job.token, /^glcbt-1x3_/, "two hand-outs and the return lie between them");
  assert.equal(await runner.finish(job), 200);
});

test("state, logs and tokens survive a restart in the middle of a pipeline", async () => {
  await using stack = await runningCoordinator(`
stages: [a, b]
one: { stage: a, script: [x], artifacts: { paths: [p] } }
two: { stage: b, script: [x] }
`);
  const { runner, repository, folder } = stack;
  const options = { listen: "127.0.0.1:0", log: silentLog, telemetry: { form: "none", endpoints: [] } } as const;
  const dataDir = join(folder, "second");
  const before = await startCoordinator({ ...options, dataDir });
  const { token } = before.createRunnerToken({ description: "r" });
  await before.createPipeline({ repository });
  const job = await new TestRunner(before.url, token).nextJob();
  await new TestRunner(before.url, token).patch(job, "hello ", 0);
  await assert.rejects(startCoordinator({ ...options, dataDir }), { code: "data-dir-in-use" });
  await before[Symbol.asyncDispose]();

  await using after = await startCoordinator({ ...options, dataDir });
  const again = new TestRunner(after.url, token);
  assert.equal((await again.patch(job, "world", 6)).status, 202);
  assert.equal((await again.upload(job, "artifact_type=archive", "a.zip", new Uint8Array(3))).status, 201);
  const end = await again.put(job, { state: "success", output: { bytesize: 11 } });
  assert.equal(end.status, 200);
  const next = await again.nextJob();
  assert.equal(next.dependencies.length, 1);
  assert.ok(next.git_info.repo_url.includes(new URL(after.url).host));
  await again.finish(next);
  const [pipeline] = after.pipelines();
  assert.equal((await pipeline?.finished)?.state, "success");
  assert.equal(Buffer.from(await after.readJobLog(job.id)).toString(), "hello world");
  assert.ok(runner);
});

test("a runner that falls silent loses its job (runner-protocol.md §9.1 #13)", async (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  await using stack = await runningCoordinator("one: { script: [x] }", { silentRunnerMs: 0 });
  const pipeline = await stack.coordinator.createPipeline({ repository: stack.repository });
  await stack.runner.put(await stack.runner.nextJob(), { state: "running" });
  context.mock.timers.tick(5_000);
  assert.equal((await pipeline.finished).state, "failed");
  assert.equal(pipeline.jobs()[0]?.failureReason, "stuck_or_timeout_failure");
});

test("a job that waits while nobody asks who could take it is stuck, and fails", async (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  await using stack = await runningCoordinator("job: { script: [x], tags: [gpu] }", { stuckJobMs: 0, longPollMs: 0 });
  const { coordinator, repository, runner } = stack;
  await runner.requestJob();
  const pipeline = await coordinator.createPipeline({ repository });
  context.mock.timers.tick(5_000);
  assert.equal((await pipeline.finished).state, "failed");
  assert.equal(pipeline.jobs()[0]?.failureReason, "stuck_or_timeout_failure");
});

test("two hundred pollers and a thousand jobs: each job is handed out once", async () => {
  const jobs = Array.from({ length: 5 }, (_, index) => `j${index}: { script: [x], parallel: 200 }`).join("\n");
  await using stack = await runningCoordinator(jobs, { longPollMs: 30_000 });
  const { coordinator, repository } = stack;
  const plan = await coordinator.planPipeline({ repository });
  const seen = new Set<number>();
  const token = coordinator.createRunnerToken({ description: "many" }).token;
  const done = new AbortController();
  const poll = async () => {
    const runner = new TestRunner(coordinator.url, token);
    while (seen.size < 1000) {
      const job = await runner.requestJob(done.signal).catch(() => undefined);
      if (job === undefined) continue;
      assert.ok(!seen.has(job.id), `job ${job.id} was handed out twice`);
      seen.add(job.id);
    }
    done.abort();
  };
  const pollers = Array.from({ length: 200 }, poll);
  const pipeline = coordinator.startPipeline(plan);
  await Promise.all(pollers);
  assert.equal(seen.size, 1000);
  assert.ok(pipeline.jobs().every(({ state }) => state === "running"));
});

test("what a runner lacks is known before anything runs", async () => {
  await using stack = await runningCoordinator(`
plain: { script: [x] }
boxed: { script: [x], image: alpine, services: [redis] }
tagged: { script: [x], tags: [gpu] }
`);
  const plan = await stack.coordinator.planPipeline({ repository: stack.repository });
  const shell = { features: { image: false }, tags: [], runUntagged: true };
  assert.deepEqual(
    unmetNeeds(plan.jobs, shell).map(({ jobName, keyword, value }) => [jobName, keyword, value]),
    [
      ["boxed", "image", "alpine"],
      ["boxed", "services", "redis"],
      ["tagged", "tags", "gpu"],
    ],
  );
  stack.coordinator.startPipeline(plan);
  assert.throws(() => stack.coordinator.startPipeline(plan), { code: "not-allowed" });
  assert.equal((await stack.runner.nextJob()).job_info.name, "plain");
  const all = stack.coordinator.createRunnerToken({ description: "all", ignoresTags: true });
  const docker = new TestRunner(stack.coordinator.url, all.token, { image: true, services: true });
  assert.equal((await docker.nextJob()).job_info.name, "boxed");
  assert.equal((await docker.nextJob()).job_info.name, "tagged");
});
