import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { Gitlab } from "@gitbeaker/rest";
import { runningCoordinator } from "./support/running-coordinator.ts";
import { write } from "./support/temporary-repository.ts";

const config = `
stages: [a, b]
one: { stage: a, script: [x], artifacts: { paths: [p] } }
two: { stage: b, script: [x], when: manual, allow_failure: false }
`;

test("a GitLab client reads and steers pipelines", async () => {
  await using stack = await runningCoordinator(config, { accessToken: "glpat-test" });
  const { coordinator, repository, runner } = stack;
  const api = new Gitlab({ host: coordinator.url, token: "glpat-test" });
  const { id } = await coordinator.createPipeline({ repository });
  const [project] = await api.Projects.all();
  assert.equal(project?.path_with_namespace, "local/app");
  assert.equal((await api.Projects.show("local/app")).id, 1);
  const [pipeline] = await api.Pipelines.all(1);
  assert.deepEqual([pipeline?.id, pipeline?.iid, pipeline?.status], [id, 1, "pending"]);

  const job = await runner.nextJob();
  await runner.upload(job, "artifact_type=archive", "a.zip", new Uint8Array([1, 2, 3]));
  await runner.finish(job, { log: "hello\n" });
  const jobs = await api.Jobs.all(1, { pipelineId: id });
  assert.deepEqual(
    jobs.map(({ name, status }) => [name, status]),
    [
      ["one", "success"],
      ["two", "manual"],
    ],
  );
  assert.equal(await api.Jobs.showLog(1, job.id), "hello\n");
  const follow = (from: number) =>
    fetch(`${coordinator.url}/api/v4/projects/1/jobs/${job.id}/trace`, {
      headers: { "PRIVATE-TOKEN": "glpat-test", Range: `bytes=${from}-` },
    });
  const more = await follow(2);
  assert.deepEqual([more.status, more.headers.get("content-range"), await more.text()], [206, "bytes 2-5/6", "llo\n"]);
  assert.deepEqual([(await follow(6)).status, (await follow(6)).headers.get("content-range")], [416, "bytes */6"]);
  const shown = await api.Jobs.show(1, job.id);
  assert.deepEqual(
    [shown.stage, shown.ref, shown.artifacts_file.size, shown.runner.description],
    ["a", "main", 3, "test"],
  );

  await api.Jobs.play(1, 2);
  await runner.finish(await runner.nextJob(), { exitCode: 1 });
  assert.equal((await api.Pipelines.show(1, id)).status, "failed");
  await api.Pipelines.retry(1, id);
  assert.equal((await runner.nextJob()).job_info.name, "two");
  await api.Pipelines.cancel(1, id);
  assert.equal((await api.Jobs.show(1, 3)).status, "canceling");
  assert.equal((await api.Jobs.all(1, { pipelineId: id, includeRetried: true })).length, 3);
  await assert.rejects(api.Jobs.retry(1, 2), /403|Forbidden/);
  await assert.rejects(api.Jobs.show(1, 99), /404|Not Found/);
});

test("GitLab clients find pipelines by what they filter for, child pipelines below bridges, and files in archives", async () => {
  await using stack = await runningCoordinator({
    ".gitlab-ci.yml": `
make: { stage: .pre, script: [x], artifacts: { paths: [out] } }
below: { trigger: { include: child.yml } }`,
    "child.yml": "inner: { script: [x] }",
  });
  const { coordinator, repository, runner, folder } = stack;
  const api = new Gitlab({ host: coordinator.url, token: coordinator.localToken });
  const variables = [
    { key: "PLAIN", value: "seen" },
    { key: "SECRET", value: "s3cr3t-value", masked: true },
  ];
  const pipeline = await coordinator.createPipeline({ repository, variables });
  const { id } = pipeline;
  assert.equal((await api.Users.showCurrentUser()).username, "user");
  const job = await runner.nextJob();
  write(folder, { "out/file.txt": "content" });
  execFileSync("zip", ["-q", "-r", "a.zip", "out"], { cwd: folder });
  await runner.upload(job, "artifact_type=archive", "a.zip", new Uint8Array(readFileSync(join(folder, "a.zip"))));
  await runner.finish(job);
  await runner.finish(await runner.nextJob());
  const idsOf = async (options: Record<string, unknown>) => (await api.Pipelines.all(1, options)).map((one) => one.id);
  assert.deepEqual([await idsOf({ ref: "main" }), await idsOf({ status: "failed" })], [[id], []]);
  assert.equal((await idsOf({ source: "parent_pipeline" })).length, 1);
  assert.equal((await api.Pipelines.show(1, "latest")).id, id);
  const shown = await api.Pipelines.allVariables(1, id);
  assert.deepEqual(
    shown.map(({ value }) => value),
    ["seen", "[MASKED]"],
  );
  const unasked = await fetch(`${coordinator.url}/api/v4/projects/1/pipelines/${id}/variables`);
  assert.equal(unasked.status, 401, "not for whoever is on this machine");
  const names = async (list: Promise<{ name: string }[]>) => (await list).map(({ name }) => name);
  assert.deepEqual(await names(api.Jobs.all(1, { pipelineId: id })), ["make"]);
  const [bridge] = await api.Jobs.allPipelineBridges(1, id);
  assert.deepEqual([bridge?.name, bridge?.downstream_pipeline.status], ["below", "success"]);
  const commit = await api.Commits.show(1, pipeline.view().sha);
  assert.equal(commit.last_pipeline?.id, id);
  const file = (path: string) => fetch(`${coordinator.url}/api/v4/projects/1/jobs/${job.id}/artifacts/${path}`);
  assert.equal(await (await file("out/file.txt")).text(), "content");
  assert.equal((await file("out/none.txt")).status, 404);
});

const hasPythonGitlab = spawnSync("python3", ["-c", "import gitlab"]).status === 0;
const skip = hasPythonGitlab ? false : "python-gitlab is not installed (pip install python-gitlab)";

test("python-gitlab reads and steers pipelines", { skip }, async () => {
  await using stack = await runningCoordinator(config);
  const { coordinator, repository, runner } = stack;
  await coordinator.createPipeline({ repository });
  const job = await runner.nextJob();
  await runner.upload(job, "artifact_type=archive", "a.zip", new Uint8Array([1, 2, 3]));
  await runner.finish(job, { log: "hello\n" });
  const program = `
import sys, gitlab
gl = gitlab.Gitlab(sys.argv[1], private_token=sys.argv[2])
gl.auth()
project = gl.projects.get("local/app")
pipeline = project.pipelines.list(get_all=True)[0]
print(pipeline.status, [(job.name, job.status) for job in pipeline.jobs.list(get_all=True)])
job = project.jobs.get(1)
print(job.trace(), len(job.artifacts()))
project.jobs.get(2).play()
print(project.jobs.get(2).status)
project.jobs.get(2).cancel()
project.jobs.get(2).retry()
pipeline.cancel()
print([job.status for job in project.jobs.list(get_all=True)])
`;
  const { stdout } = await promisify(execFile)("python3", ["-c", program, coordinator.url, coordinator.localToken]);
  assert.deepEqual(stdout.trim().split("\n"), [
    "manual [('one', 'success'), ('two', 'manual')]",
    "b'hello\\n' 3",
    "pending",
    "['canceled', 'canceled', 'success']",
  ]);
});

test("pages of other origins and wrong tokens are refused", async () => {
  await using open = await runningCoordinator(config);
  const get = (url: string, headers: Record<string, string> = {}) => fetch(`${url}/api/v4/projects`, { headers });
  assert.equal((await get(open.coordinator.url)).status, 200);
  assert.equal((await get(open.coordinator.url, { Origin: "https://evil.example" })).status, 403);
  await using closed = await runningCoordinator(config, { accessToken: "glpat-right" });
  assert.equal((await get(closed.coordinator.url)).status, 401);
  assert.equal((await get(closed.coordinator.url, { "PRIVATE-TOKEN": "glpat-wrong" })).status, 401);
  assert.equal((await get(closed.coordinator.url, { Authorization: "Bearer glpat-right" })).status, 200);
});

test("whoever is shown a job token learns whose it is, as long as its job runs", async () => {
  await using stack = await runningCoordinator(config, { accessToken: "glpat-right" });
  const { coordinator, repository, runner } = stack;
  const { id } = await coordinator.createPipeline({ repository });
  const job = await runner.nextJob();
  const ask = (token: string) => fetch(`${coordinator.url}/api/v4/job`, { headers: { "JOB-TOKEN": token } });
  const answer = (await (await ask(job.token)).json()) as {
    id: number;
    status: string;
    pipeline: { id: number; source: string };
  };
  assert.partialDeepStrictEqual(answer, { id: job.id, status: "running", pipeline: { id, source: "push" } });
  assert.equal((await ask(`${job.token}x`)).status, 401);
  await runner.finish(job);
  assert.equal((await ask(job.token)).status, 401);
});
