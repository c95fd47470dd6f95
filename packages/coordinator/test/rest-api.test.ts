import assert from "node:assert/strict";
import { test } from "node:test";
import { Gitlab } from "@gitbeaker/rest";
import { runningCoordinator } from "./support/running-coordinator.ts";

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
