import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { runningCoordinator } from "./support/running-coordinator.ts";
import { fingerprint, git, gitOverHttp, write } from "./support/temporary-repository.ts";
import { checksumOf, type TestPayload, TestRunner } from "./support/test-runner.ts";

function variableOf(job: TestPayload, key: string): string | undefined {
  return job.variables.find((variable) => variable.key === key)?.value;
}

test("a job goes from hand-out to success, and its repository can be cloned with its token while it runs", async () => {
  await using stack = await runningCoordinator(
    "build: { script: [make], before_script: [prepare], after_script: [clean] }",
  );
  const { coordinator, repository, runner } = stack;
  write(repository, { "uncommitted.txt": "here" });
  const before = fingerprint(join(repository, ".git"));
  const pipeline = await coordinator.createPipeline({ repository });
  assert.deepEqual(fingerprint(join(repository, ".git")), before);

  const job = await runner.nextJob();
  assert.equal(job.job_info.name, "build");
  assert.deepEqual(
    job.steps.map(({ name, script }) => [name, script]),
    [
      ["script", ["prepare", "make"]],
      ["after_script", ["clean"]],
    ],
  );
  assert.equal(pipeline.jobs()[0]?.state, "running");
  const clone = join(stack.folder, "clone");
  git(stack.folder, "init", "--quiet", clone);
  await gitOverHttp(clone, "fetch", "--quiet", "--depth", "1", job.git_info.repo_url, ...job.git_info.refspecs);
  git(clone, "checkout", "--quiet", job.git_info.sha);
  assert.equal(git(clone, "show", "HEAD:uncommitted.txt"), "here");
  await gitOverHttp(clone, "fetch", "--quiet", "--filter=blob:none", job.git_info.repo_url, job.git_info.sha);
  const wrongToken = job.git_info.repo_url.replace(/gitlab-ci-token:[^@]+/, "gitlab-ci-token:glcbt-1x1_0");
  await assert.rejects(gitOverHttp(clone, "ls-remote", wrongToken), /Authentication failed|could not read/);
  await assert.rejects(gitOverHttp(clone, "push", "--quiet", job.git_info.repo_url, "HEAD:refs/heads/evil"), /403/);

  assert.equal(await runner.finish(job), 200);
  const done = await pipeline.finished;
  assert.equal(done.state, "success");
  assert.equal(Buffer.from(await coordinator.readJobLog(job.id)).toString(), "ran build\n");
  await assert.rejects(gitOverHttp(clone, "ls-remote", job.git_info.repo_url), /Authentication failed|could not read/);
  assert.equal((await runner.patch(job, "more", 10)).status, 403);
  const late = await runner.put(job, { state: "running" });
  assert.deepEqual([late.status, late.headers.get("job-status")], [403, "success"]);
});

test("the job log is kept byte for byte: wrong offsets get 416, a wrong checksum is sent again from 0", async () => {
  await using stack = await runningCoordinator("build: { script: [make] }");
  const pipeline = await stack.coordinator.createPipeline({ repository: stack.repository });
  const { runner } = stack;
  const job = await runner.nextJob();
  const first = await runner.patch(job, "hello", 0);
  assert.deepEqual(
    [first.status, first.headers.get("range"), first.headers.get("job-status")],
    [202, "0-5", "running"],
  );
  assert.equal(first.headers.get("x-gitlab-trace-update-interval"), "3");
  const again = await runner.patch(job, "hello", 0);
  assert.deepEqual([again.status, again.headers.get("range")], [416, "0-5"]);
  assert.equal((await runner.patch(job, "x", 9)).status, 416);
  const right = { checksum: checksumOf("HELLO\n"), bytesize: 6 };
  assert.equal((await runner.put(job, { state: "success", output: right })).status, 412);
  assert.equal((await runner.patch(job, "HELLO\n", 0)).status, 202);
  const end = await runner.put(job, { state: "success", output: right });
  assert.deepEqual([end.status, end.headers.get("job-status")], [200, "success"]);
  assert.equal((await pipeline.finished).state, "success");
  assert.equal(Buffer.from(await stack.coordinator.readJobLog(job.id)).toString(), "HELLO\n");
});

test("a checksum that never matches does not hold the job for ever", async () => {
  await using stack = await runningCoordinator("build: { script: [make] }");
  await stack.coordinator.createPipeline({ repository: stack.repository });
  const job = await stack.runner.nextJob();
  const statuses: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    statuses.push(
      (await stack.runner.put(job, { state: "success", output: { checksum: "crc32:00000001", bytesize: 7 } })).status,
    );
  }
  assert.deepEqual(statuses, [412, 412, 412, 200]);
});

test("artifacts go up in a stream and come down to the jobs that depend on them, with their dotenv variables", async () => {
  await using stack = await runningCoordinator(
    `
stages: [build, test]
build: { stage: build, script: [x], artifacts: { paths: [out], expire_in: 1 week, reports: { dotenv: v.env } } }
other: { stage: build, script: [x] }
test: { stage: test, script: [x], variables: { URL: "https://$HOST" }, needs: [build] }
late: { stage: test, script: [x], dependencies: [] }
`,
    { maxArtifactBytes: 2_000_000 },
  );
  await stack.coordinator.createPipeline({ repository: stack.repository });
  const { runner } = stack;
  const build = await runner.nextJob();
  const other = await runner.nextJob();
  assert.deepEqual([build.job_info.name, other.job_info.name], ["build", "other"]);
  assert.deepEqual(
    build.artifacts.map(({ artifact_type, artifact_format, when, expire_in }) => [
      artifact_type,
      artifact_format,
      when,
      expire_in,
    ]),
    [
      ["archive", "zip", "on_success", "1 week"],
      ["dotenv", "gzip", "always", "1 week"],
    ],
  );
  const zip = new Uint8Array(1_500_000).fill(7);
  assert.equal(
    (await runner.upload(build, "artifact_type=archive&artifact_format=zip&expire_in=1+week", "a.zip", zip)).status,
    201,
  );
  assert.equal((await runner.upload(build, "artifact_type=archive", "a.zip", new Uint8Array(2_500_000))).status, 413);
  const dotenv = new Uint8Array(gzipSync("HOST=example.com\nEMPTY=\n"));
  assert.equal(
    (await runner.upload(build, "artifact_type=dotenv&artifact_format=gzip", ".env.gz", dotenv)).status,
    201,
  );
  assert.equal((await runner.upload({ ...build, token: other.token }, "", "a.zip", zip)).status, 403);
  await runner.finish(build);

  const dependent = await runner.nextJob();
  assert.equal(dependent.job_info.name, "test");
  assert.equal(variableOf(dependent, "URL"), "https://$HOST", "dotenv values are raw: the runner puts them in");
  assert.equal(variableOf(dependent, "HOST"), "example.com");
  const [dependency] = dependent.dependencies;
  assert.deepEqual([dependency?.name, dependency?.artifacts_file], ["build", { filename: "a.zip", size: 1_500_000 }]);
  const download = await runner.download(build.id, `${dependency?.token}`);
  assert.equal(download.status, 200);
  assert.deepEqual(new Uint8Array(await download.arrayBuffer()), zip);
  assert.equal((await runner.download(build.id, "glcbt-1x1_0")).status, 403);
  assert.equal((await runner.download(other.id, other.token)).status, 404);
  await runner.finish(dependent);
  await runner.finish(other);
  assert.deepEqual((await runner.nextJob()).dependencies, []);
});

test("cancelling is polite first and final then", async () => {
  await using stack = await runningCoordinator("build: { script: [make] }\nnext: { stage: deploy, script: [x] }");
  const { coordinator, runner, repository } = stack;
  const pipeline = await coordinator.createPipeline({ repository });
  const job = await runner.nextJob();
  coordinator.cancelPipeline(pipeline.id);
  const canceling = await runner.patch(job, "x", 0);
  assert.deepEqual([canceling.status, canceling.headers.get("job-status")], [202, "canceling"]);
  const end = await runner.put(job, { state: "failed", failure_reason: "job_canceled" });
  assert.deepEqual([end.status, end.headers.get("job-status")], [200, "canceled"]);
  assert.equal((await pipeline.finished).state, "canceled");

  const second = await coordinator.createPipeline({ repository });
  const forced = await runner.nextJob();
  second.cancel({ force: true });
  const abort = await runner.patch(forced, "x", 0);
  assert.deepEqual([abort.status, abort.headers.get("job-status")], [403, "canceled"]);
  assert.deepEqual(
    second.jobs().map(({ state }) => state),
    ["canceled", "canceled"],
  );
});

test("a job whose answer did not reach the runner is given to the next one, and the lost token is void", async () => {
  await using stack = await runningCoordinator("build: { script: [make] }", { longPollMs: 30_000 });
  const { coordinator, repository, runner } = stack;
  const leave = new AbortController();
  const waiting = runner.requestJob(leave.signal);
  leave.abort();
  await assert.rejects(waiting);
  const pipeline = await coordinator.createPipeline({ repository });
  const job = await runner.nextJob();
  assert.equal(job.job_info.name, "build");
  assert.equal(pipeline.jobs()[0]?.state, "running");
});

test("a held request is answered as soon as there is a job; a stale cursor is answered at once", async () => {
  await using stack = await runningCoordinator("build: { script: [make], tags: [special] }", { longPollMs: 400 });
  const { coordinator, repository, runner } = stack;
  assert.equal(await runner.requestJob(), undefined);
  const cursor = runner.cursor;
  await coordinator.createPipeline({ repository });
  const start = performance.now();
  assert.equal(await runner.requestJob(), undefined);
  assert.ok(performance.now() - start < 300, "the cursor was stale");
  assert.notEqual(runner.cursor, cursor);
  const special = coordinator.createRunnerToken({ description: "special", tags: ["special"] });
  assert.equal((await new TestRunner(coordinator.url, special.token).nextJob()).job_info.name, "build");
});

test("a runner for protected refs only, and a paused one, are handed nothing else and no error", async () => {
  await using stack = await runningCoordinator("build: { script: [make] }", {
    registrationToken: "GR1348941secret",
    longPollMs: 0,
  });
  const { coordinator, repository } = stack;
  const register = async (settings: Record<string, unknown>) => {
    const body = JSON.stringify({ token: "GR1348941secret", ...settings });
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${coordinator.url}/api/v4/runners`, { method: "POST", headers, body });
    return new TestRunner(coordinator.url, ((await answer.json()) as { token: string }).token);
  };
  const careful = await register({ access_level: "ref_protected" });
  const paused = await register({ paused: true });
  git(repository, "checkout", "--quiet", "-b", "topic");
  await coordinator.createPipeline({ repository });
  assert.deepEqual([await careful.requestJob(), await paused.requestJob()], [undefined, undefined]);
  await coordinator.createPipeline({ repository, ref: "main" });
  assert.equal((await careful.nextJob()).git_info.ref, "main");
});

test("runners register, verify, rotate their token and leave", async () => {
  await using stack = await runningCoordinator("build: { script: [make] }", { registrationToken: "GR1348941secret" });
  const call = (method: string, path: string, body: unknown) =>
    fetch(`${stack.coordinator.url}/api/v4/${path}`, {
      method,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  assert.equal((await call("POST", "runners", { token: "wrong" })).status, 403);
  const registered = await call("POST", "runners", { token: "GR1348941secret", tag_list: "a, b", run_untagged: false });
  assert.equal(registered.status, 201);
  const { id, token } = (await registered.json()) as { id: number; token: string };
  const verified = await call("POST", "runners/verify", { token, system_id: "s_x" });
  assert.match(`${verified.headers.get("content-type")}`, /^application\/json/);
  assert.deepEqual(await verified.json(), { id, token, token_expires_at: null });
  const rotated = await call("POST", "runners/reset_authentication_token", { token });
  const next = ((await rotated.json()) as { token: string }).token;
  assert.equal((await call("POST", "runners/verify", { token })).status, 403);
  const reset = `runners/${id}/reset_authentication_token`;
  assert.equal((await call("POST", reset, null)).status, 401, "by id only with an access token");
  const headers = { "PRIVATE-TOKEN": stack.coordinator.localToken };
  const byId = await fetch(`${stack.coordinator.url}/api/v4/${reset}`, { method: "POST", headers });
  assert.equal((await call("POST", "runners/verify", { token: next })).status, 403);
  const last = ((await byId.json()) as { token: string }).token;
  assert.equal((await call("DELETE", "runners", { token: last })).status, 204);
  assert.equal((await call("POST", "jobs/request", { token: last })).status, 403);
  const unknown = await fetch(`${stack.coordinator.url}/api/v4/runners/router/discovery`);
  assert.deepEqual([unknown.status, unknown.headers.get("content-type")?.split(";")[0]], [404, "application/json"]);
});
