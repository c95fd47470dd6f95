import assert from "node:assert/strict";
import { renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Gitlab } from "@gitbeaker/rest";
import { connectToCoordinator } from "../src/index.ts";
import { runningCoordinator } from "./support/running-coordinator.ts";
import { aRepository, git, write } from "./support/temporary-repository.ts";
import { TestRunner } from "./support/test-runner.ts";

const config = `
one: { script: [x], tags: [special] }
two: { needs: [one], script: [x], allow_failure: true }
`;

test("a GitLab client makes a pipeline of a branch's commit, with variables", async () => {
  await using stack = await runningCoordinator("job: { script: [x] }");
  const { coordinator, repository, runner } = stack;
  const api = new Gitlab({ host: coordinator.url, token: coordinator.localToken });
  await coordinator.planPipeline({ repository });
  git(repository, "checkout", "--quiet", "-b", "other");
  write(repository, { "new.txt": "new" });
  git(repository, "add", "--all");
  git(repository, "commit", "--quiet", "-m", "second");
  write(repository, { ".gitlab-ci.yml": "not_committed: { script: [x] }" });

  const made = await api.Pipelines.create(1, "main", { variables: [{ key: "COLOUR", value: "blue" }] });
  assert.deepEqual([made.ref, made.source, made.sha], ["main", "api", git(repository, "rev-parse", "main")]);
  const job = await runner.nextJob();
  assert.equal(job.job_info.name, "job");
  assert.equal(job.variables.find(({ key }) => key === "COLOUR")?.value, "blue");
  const other = await api.Pipelines.create("local/app", "refs/heads/other");
  assert.deepEqual([other.ref, other.sha], ["other", git(repository, "rev-parse", "other")]);
  await assert.rejects(api.Pipelines.create(1, "nope"), /no branch or tag .*nope/);
});

test("whoever cannot read the data directory makes no pipelines", async () => {
  await using stack = await runningCoordinator(config);
  const { coordinator, repository, folder } = stack;
  await coordinator.planPipeline({ repository });
  const post = (path: string, token?: string) =>
    fetch(`${coordinator.url}/api/v4/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(token === undefined ? {} : { "PRIVATE-TOKEN": token }) },
      body: JSON.stringify({ repository, ref: "main" }),
    });
  for (const path of ["projects/1/pipeline", "jobscope/plans", "jobscope/pipelines"]) {
    assert.equal((await post(path)).status, 401, path);
    assert.equal((await post(path, "glpat-wrong")).status, 401, path);
  }
  assert.equal((await post("jobscope/pipelines", coordinator.localToken)).status, 201);
  assert.equal(statSync(join(folder, "data", "coordinator.json")).mode & 0o777, 0o600);
});

test("another process plans, starts and follows a pipeline of a work tree that was not known", async () => {
  await using stack = await runningCoordinator(config);
  const { coordinator, repository, folder } = stack;
  const runner = coordinator.createRunnerToken({ description: "all", ignoresTags: true });
  using remote = await connectToCoordinator(join(folder, "data"));
  assert.ok(remote !== undefined);
  write(repository, { uncommitted: "" });
  const plan = await remote.planPipeline({ repository, variables: [{ key: "A", value: "b", masked: true }] });
  assert.deepEqual([plan.jobs.map(({ name }) => name), plan.hasUncommittedChanges], [["one", "two"], true]);
  const pipeline = await remote.startPipeline(plan);
  await assert.rejects(remote.startPipeline(plan), { code: "not-allowed" });
  const states: string[] = [];
  pipeline.on("job", ({ name, state }) => states.push(`${name} ${state}`));

  const worker = new TestRunner(coordinator.url, runner.token);
  await worker.finish(await worker.nextJob(), { log: "the first\n" });
  await worker.finish(await worker.nextJob(), { exitCode: 1 });
  assert.equal((await pipeline.finished).state, "success");
  assert.deepEqual(pipeline.jobs(), coordinator.pipelines()[0]?.jobs());
  assert.deepEqual(pipeline.view(), coordinator.pipelines()[0]?.view());
  assert.ok(states.includes("one success") && states.includes("two failed"), states.join());
  const log = await remote.readJobLog(pipeline.jobs()[0]?.id ?? 0, { fromByte: 4 });
  assert.equal(new TextDecoder().decode(log), "first\n");
});

test("another process is told what is wrong as if the coordinator were its own, and can cancel", async () => {
  await using stack = await runningCoordinator(config);
  const { repository, folder } = stack;
  using remote = await connectToCoordinator(join(folder, "data"));
  assert.ok(remote !== undefined);
  await assert.rejects(remote.planPipeline({ repository: folder }), { code: "not-a-repository" });
  await assert.rejects(remote.planPipeline({ repository, jobs: ["nope"] }), { code: "unknown-job" });
  const pipeline = await remote.startPipeline(await remote.planPipeline({ repository }));
  pipeline.cancel();
  assert.equal((await pipeline.finished).state, "canceled");
  await stack.coordinator[Symbol.asyncDispose]();
  assert.equal(await connectToCoordinator(join(folder, "data")), undefined);
});

test("a project goes on with another work tree once its own is gone", async () => {
  await using stack = await runningCoordinator(config);
  const { coordinator, repository, folder } = stack;
  const first = (await coordinator.createPipeline({ repository })).view();
  const second = aRepository(join(folder, "elsewhere", "app"), { ".gitlab-ci.yml": config });
  const beside = (await coordinator.createPipeline({ repository: second })).view();
  assert.deepEqual([beside.projectPath, beside.iid], ["local/app-2", 1], "both are there");
  renameSync(repository, `${repository}-old`);
  const third = aRepository(join(folder, "third", "app"), { ".gitlab-ci.yml": config });
  const moved = (await coordinator.createPipeline({ repository: third })).view();
  assert.deepEqual([moved.projectId, moved.projectPath, moved.iid], [first.projectId, "local/app", 2]);
  assert.ok(moved.id > first.id);
});

test("a watched repository gets a pipeline for each branch that moves, and none for what was there", async () => {
  await using stack = await runningCoordinator("job: { script: [x] }");
  const { coordinator, repository, runner } = stack;
  await coordinator.watchRepository(repository);
  const before = git(repository, "rev-parse", "main");
  git(repository, "commit", "--quiet", "--allow-empty", "-m", "pushed");
  const job = await runner.nextJob();
  const [pipeline] = coordinator.pipelines();
  assert.deepEqual([pipeline?.view().source, pipeline?.view().sha], ["push", git(repository, "rev-parse", "main")]);
  assert.equal(job.git_info.before_sha, before);
  git(repository, "branch", "--quiet", "other");
  assert.equal((await runner.nextJob()).git_info.ref, "other");
  assert.equal(coordinator.pipelines().length, 2);
});
