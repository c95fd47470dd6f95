import assert from "node:assert/strict";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Pipeline } from "../src/index.ts";
import { type RunningCoordinator, runningCoordinator } from "./support/running-coordinator.ts";
import { git, gitOverHttp } from "./support/temporary-repository.ts";
import { checksumOf, shellFeatures, type TestPayload, TestRunner } from "./support/test-runner.ts";

/* Each row of runner-protocol.md §9.1: what GitLab's own runner needs. Job NN of the pipeline is row NN's. */

const config = `
stages: [build, test]
row4: { script: [x], when: manual, stage: build }
row5:
  stage: build
  before_script: [first]
  script: [second]
  after_script: [last]
  variables: { GIT_DEPTH: "7" }
  cache: { key: k, paths: [c] }
  artifacts: { paths: [p], expire_in: 1 week, reports: { junit: r.xml } }
row10: { script: [x], stage: build }
row11: { script: [x], stage: build }
row12: { script: [x], stage: build }
row12-old: { script: [x], stage: build }
row14: { script: [x], stage: build }
row15: { script: [x], stage: build, needs: [row14] }
row16: { script: [x], stage: build }
row17: { script: [x], stage: build, coverage: '/^covered (\\d+)%$/' }
`;

let stack: RunningCoordinator;
let pipeline: Pipeline;
let post: (path: string, body: unknown) => Promise<Response>;
let runnerToken: string;

before(async () => {
  stack = await runningCoordinator(config, { longPollMs: 300, maxArtifactBytes: 1_000_000 });
  const { coordinator, repository } = stack;
  runnerToken = coordinator.createRunnerToken({ description: "official" }).token;
  post = (path, body) =>
    fetch(`${coordinator.url}/api/v4/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
  pipeline = await coordinator.createPipeline({ repository });
});
after(() => stack[Symbol.asyncDispose]());

const taken = new Map<string, TestPayload>();

/** The payload of a row's job, and of the others on the way to it. */
async function jobOf(name: string, runner = stack.runner): Promise<TestPayload> {
  for (;;) {
    const found = taken.get(name);
    if (found !== undefined) return found;
    const job = await runner.nextJob();
    taken.set(job.job_info.name, job);
  }
}

const isJson = (response: Response) => /^application\/json(;|$)/.test(`${response.headers.get("content-type")}`);

test("1: verify answers 200 with an id that is not 0, the token and its expiry, as JSON", async () => {
  const answer = await post("runners/verify", { token: runnerToken, system_id: "s_x" });
  assert.deepEqual([answer.status, isJson(answer)], [200, true]);
  const { id, ...rest } = (await answer.json()) as { id: number };
  assert.ok(id > 0);
  assert.deepEqual(rest, { token: runnerToken, token_expires_at: null });
});

test("2, 3: a job is 201 and JSON, none is 204 with a cursor, and 403 is for wrong tokens only", async () => {
  const answer = await post("jobs/request", { token: runnerToken, info: { features: shellFeatures } });
  assert.deepEqual([answer.status, isJson(answer)], [201, true]);
  const job = (await answer.json()) as TestPayload;
  taken.set(job.job_info.name, job);
  const choosy = stack.coordinator.createRunnerToken({ description: "choosy", tags: ["none-such"] });
  const empty = await post("jobs/request", { token: choosy.token, last_update: "stale" });
  assert.equal(empty.status, 204);
  assert.match(`${empty.headers.get("x-gitlab-last-update")}`, /./);
  assert.equal((await post("jobs/request", { token: "glrt-wrong" })).status, 403);
});

test("5, 6: a payload has every key that the runner reads, and run only if it is a run job", async () => {
  const job = (await jobOf("row5")) as TestPayload & Record<string, unknown>;
  const keys = ["id", "token", "allow_git_fetch", "job_info", "git_info", "runner_info", "variables", "steps", "image"];
  const more = ["services", "cache", "artifacts", "credentials", "dependencies", "features"];
  for (const key of [...keys, ...more]) assert.ok(key in job, key);
  assert.ok(!("run" in job));
  assert.ok(job.git_info.sha.length >= 8 && job.git_info.refspecs.length > 0 && job.runner_info.timeout > 0);
});

test("7: sections are wanted, and every failure reason is understood", async () => {
  const { features } = await jobOf("row5");
  assert.equal(features["trace_sections"], true);
  const reasons = features["failure_reasons"] as string[];
  for (const reason of ["script_failure", "runner_system_failure", "image_pull_failure", "job_execution_timeout"])
    assert.ok(reasons.includes(reason), reason);
});

test("8: every CI_ variable that the runner does not set itself is there, the job token masked", async () => {
  const { variables } = await jobOf("row5");
  const names = `CI GITLAB_CI CI_JOB_ID CI_JOB_NAME CI_JOB_STAGE CI_JOB_TOKEN CI_JOB_URL CI_PIPELINE_ID CI_PIPELINE_SOURCE
    CI_PROJECT_ID CI_PROJECT_PATH CI_PROJECT_NAME CI_PROJECT_NAMESPACE CI_PROJECT_URL CI_REPOSITORY_URL CI_COMMIT_SHA
    CI_COMMIT_REF_NAME CI_COMMIT_REF_PROTECTED CI_SERVER_URL CI_SERVER_HOST CI_API_V4_URL`;
  for (const name of names.split(/\s+/))
    assert.ok(
      variables.some(({ key, value }) => key === name && value !== ""),
      name,
    );
  assert.ok(variables.find(({ key }) => key === "CI_JOB_TOKEN")?.masked);
});

test("9: scripts are merged, the depth comes from GIT_DEPTH, caches are kept apart, reports are artifacts", async () => {
  const job = await jobOf("row5");
  assert.deepEqual(
    job.steps.map(({ name, script }) => [name, script]),
    [
      ["script", ["first", "second"]],
      ["after_script", ["last"]],
    ],
  );
  assert.deepEqual([job.git_info.depth, job.cache[0]?.["key"]], [7, "k-protected"]);
  assert.deepEqual(
    job.artifacts.map((artifact) => [artifact["artifact_type"], artifact["artifact_format"], artifact["expire_in"]]),
    [
      ["archive", "zip", "1 week"],
      ["junit", "gzip", "1 week"],
    ],
  );
});

test("10: an update is 200 with a Job-Status; 412 comes only when the checksum differs", async () => {
  const job = await jobOf("row10");
  const put = async (body: Record<string, unknown>) => {
    const answer = await stack.runner.put(job, body);
    return [answer.status, answer.headers.get("job-status")];
  };
  assert.deepEqual(await put({ state: "running" }), [200, "running"]);
  await stack.runner.patch(job, "log\n", 0);
  const output = { checksum: checksumOf("other\n"), bytesize: 4 };
  assert.deepEqual(await put({ state: "success", output }), [412, "running"]);
  await stack.runner.patch(job, "log\n", 0);
  assert.deepEqual(await put({ state: "success", output: { ...output, checksum: checksumOf("log\n") } }), [
    200,
    "success",
  ]);
});

test("11: log bytes are 202 with the bytes stored, and 416 tells where to go on", async () => {
  const job = await jobOf("row11");
  const patch = async (text: string, from: number) => {
    const { status, headers } = await stack.runner.patch(job, text, from);
    return [status, headers.get("range"), headers.get("job-status")];
  };
  assert.deepEqual(await patch("hello", 0), [202, "0-5", "running"]);
  assert.deepEqual(await patch("hello", 0), [416, "0-5", "running"]);
  assert.deepEqual(await patch("!", 9), [416, "0-5", "running"]);
  assert.deepEqual(await patch("!", 5), [202, "0-6", "running"]);
});

test("12: cancelling asks a runner that can stop politely first, and aborts at once one that cannot", async () => {
  const job = await jobOf("row12");
  await stack.runner.put(job, { state: "running" });
  stack.coordinator.cancelJob(job.id);
  assert.equal((await stack.runner.patch(job, "x", 0)).headers.get("job-status"), "canceling");
  stack.coordinator.cancelJob(job.id, { force: true });
  const aborted = await stack.runner.patch(job, "x", 1);
  assert.deepEqual([aborted.status, aborted.headers.get("job-status")], [403, "canceled"]);

  const old = new TestRunner(stack.coordinator.url, runnerToken, { ...shellFeatures, cancel_gracefully: false });
  const other = await jobOf("row12-old", old);
  stack.coordinator.cancelJob(other.id);
  assert.equal((await old.put(other, { state: "running" })).headers.get("job-status"), "canceled");
});

/** As GitLab's uploader does it: no Content-Length, authenticated by header alone. */
async function uploadChunked(job: TestPayload, content: Uint8Array): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const boundary = "b0undary";
  const query = "artifact_format=zip&artifact_type=archive";
  const sent = request(`${stack.coordinator.url}/api/v4/jobs/${job.id}/artifacts?${query}`, {
    method: "POST",
    headers: { "JOB-TOKEN": job.token, "Content-Type": `multipart/form-data; boundary=${boundary}` },
  });
  sent.on("error", reject).on("response", (response) => resolve(response.resume().statusCode ?? 0));
  sent.write(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n`);
  for (let from = 0; from < content.length; from += 65_536) sent.write(content.subarray(from, from + 65_536));
  sent.end(`\r\n--${boundary}--\r\n`);
  return await promise;
}

test("14: artifacts come in chunks and are 201, or 413 when too large, and go out as they came", async () => {
  const job = await jobOf("row14");
  assert.equal(await uploadChunked(job, new Uint8Array(1_200_000)), 413);
  assert.equal(await uploadChunked(job, new Uint8Array(500_000).fill(9)), 201);
  const download = await stack.runner.download(job.id, job.token);
  assert.equal(download.status, 200);
  assert.deepEqual(new Uint8Array(await download.arrayBuffer()), new Uint8Array(500_000).fill(9));
});

test("15: a dependency has a token of its own, good for its artifacts after its job has ended", async () => {
  await stack.runner.finish(await jobOf("row14"));
  const { dependencies } = await jobOf("row15");
  const [dependency] = dependencies;
  assert.deepEqual([dependency?.name, dependency?.artifacts_file], ["row14", { filename: "a.zip", size: 500_000 }]);
  assert.equal((await stack.runner.download(dependency?.id ?? 0, dependency?.token ?? "")).status, 200);
});

test("16: git gets in with the job token, and may ask for a bare commit", async () => {
  const { git_info: source } = await jobOf("row16");
  const clone = join(stack.folder, "clone");
  git(stack.folder, "init", "--quiet", clone);
  await gitOverHttp(clone, "fetch", "--quiet", "--depth", "1", source.repo_url, source.sha);
  assert.equal(git(clone, "rev-parse", "FETCH_HEAD"), source.sha);
});

test("17: what runners put before each line of a log does not count", async () => {
  const job = await jobOf("row17");
  await stack.runner.finish(job, { log: "2026-08-22T00:00:00.000001Z 01O covered 87%\n" });
  assert.equal(pipeline.jobs().find(({ name }) => name === "row17")?.coverage, 87);
});

test("18: what is not known is 404 and JSON", async () => {
  const unknown = await fetch(`${stack.coordinator.url}/api/v4/runners/router/discovery`);
  assert.deepEqual([unknown.status, isJson(unknown)], [404, true]);
});

test("4: a poll is held until there is a job, and who went away meanwhile gets none", async () => {
  const { coordinator } = stack;
  for (;;) if ((await stack.runner.requestJob()) === undefined) break;
  const gone = new AbortController();
  const left = new TestRunner(coordinator.url, runnerToken).requestJob(gone.signal).catch(() => "gone");
  const held = new TestRunner(coordinator.url, runnerToken).nextJob();
  gone.abort();
  assert.equal(await left, "gone");
  // A whole round trip later, the coordinator has seen the connection close.
  assert.equal((await post("runners/verify", { token: runnerToken })).status, 200);
  coordinator.playJob(pipeline.jobs().find(({ name }) => name === "row4")?.id ?? 0);
  assert.equal((await held).job_info.name, "row4");
});
