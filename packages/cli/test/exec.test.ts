import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startOtlpReceiver } from "@jobscope/labkit/testing";
import { aRepository } from "./a-repository.ts";
import { jobscope, makeSurroundings, startJobscope } from "./jobscope-process.ts";
import { fileExists, processIsGone } from "./process-is-gone.ts";

/** A test's own repository, home and data. */
function prepare(test: TestContext, files: Readonly<Record<string, string>>) {
  const surroundings = makeSurroundings(test);
  return { ...surroundings, cwd: aRepository(surroundings, files) };
}

const twoJobs = `
stages: [build, test]
build:
  stage: build
  script:
    - echo "token is $TOKEN"
    - mkdir out && echo built > out/file
  artifacts: { paths: [out] }
test:
  stage: test
  script: [grep built out/file, "test -f uncommitted"]
flaky:
  stage: test
  script: [echo broken on purpose, exit 3]
  allow_failure: true
`;

test("spans go to the endpoint of the command line, not to those that the environment has for other runners", async (t) => {
  await using receiver = await startOtlpReceiver();
  await using other = await startOtlpReceiver();
  const place = prepare(t, { ".gitlab-ci.yml": "job: { script: [env] }" });
  const environment = {
    ...place.environment,
    JOBSCOPE_TELEMETRY_ENDPOINTS_0_URL: other.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: other.url,
    JOBSCOPE_TELEMETRY_COMMAND_SPANS: "true",
  };
  const run = await jobscope(t, ["exec", "--no-store", "--otlp-endpoint", receiver.url], { ...place, environment });
  assert.equal(run.exitCode, 0, run.stderr);
  const names = receiver.spans.map(({ name }) => name);
  for (const name of ["job_execution", "job_running", "command"]) assert.ok(names.includes(name), name);
  assert.equal(other.requests.length, 0);
});

test("a pipeline runs, is shown, and can be read from the store afterwards", async (t) => {
  const place = prepare(t, { ".gitlab-ci.yml": twoJobs, uncommitted: "" });
  const out = join(place.directory, "trace.json");
  const secret = "s3cr3t-value-0123456789";
  const args = ["exec", "--masked-variable", "TOKEN", "--out", out];
  const run = await jobscope(t, args, { ...place, environment: { ...place.environment, TOKEN: secret } });
  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(run.stdout, /✓ build: passed after/);
  assert.match(run.stdout, /! flaky: failed, which is allowed, after .* \(exit 3\)/);
  assert.match(run.stdout, /where the time went/);
  assert.match(run.stdout, /✗ flaky ended with:[\s\S]*broken on purpose/);
  assert.match(run.stdout, /pipeline \d+ passed/);
  assert.deepEqual(readdirSync(place.temporary), []);

  const spans = readFileSync(out, "utf8");
  for (const name of ["job_execution", "step_script", "job_pending"]) assert.ok(spans.includes(`"${name}"`), name);
  assert.ok(!spans.includes(secret) && !run.stdout.includes(secret) && !run.stderr.includes(secret));

  const traceId = /jobscope trace ([0-9a-f]{32})/.exec(run.stdout)?.[1] ?? "";
  const [list, trace, sql] = [
    await jobscope(t, ["trace"], place),
    await jobscope(t, ["trace", traceId], place),
    await jobscope(
      t,
      ["sql", "SELECT count() AS n FROM otel_traces WHERE SpanName = 'job_execution' FORMAT TSV"],
      place,
    ),
  ];
  assert.ok(list.stdout.includes(traceId), list.stderr);
  assert.match(trace.stdout, /✓ build[\s\S]*✓ step_script/);
  assert.equal(sql.stdout, "3\n", sql.stderr);
});

test("a job that fails makes the exit code 1 and shows the end of its log", async (t) => {
  const place = prepare(t, { ".gitlab-ci.yml": "job: { script: [echo the reason, exit 4] }" });
  const { exitCode, stdout } = await jobscope(t, ["exec", "--no-store"], place);
  assert.equal(exitCode, 1);
  assert.match(stdout, /✗ job ended with:[\s\S]*the reason/);
  assert.match(stdout, /pipeline \d+ failed/);
});

const skip = spawnSync("git", ["lfs", "version"]).status === 0 ? false : "git-lfs is not installed";

test("named jobs run with what they need, whatever their tags, and nothing else; Git LFS objects are there", {
  skip,
}, async (t) => {
  const place = prepare(t, {
    ".gitlab-ci.yml":
      "a: { script: [echo a] }\nb: { tags: [gpu], script: [echo b] }\nc: { needs: [b], script: [grep -x large big.bin] }",
    ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    "big.bin": "large",
  });
  const options = { cwd: place.cwd, env: place.environment };
  execFileSync("git", ["lfs", "install", "--local"], options);
  execFileSync("git", ["add", "--renormalize", "big.bin"], options);
  assert.match(execFileSync("git", ["show", ":big.bin"], options).toString(), /^version https:\/\/git-lfs/);
  const { exitCode, stdout } = await jobscope(t, ["exec", "c", "--no-store"], place);
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /b: passed[\s\S]*c: passed/);
  assert.doesNotMatch(stdout, /a: passed/);
});

test("--list says what would run, and runs nothing", async (t) => {
  const place = prepare(t, { ".gitlab-ci.yml": twoJobs });
  const { exitCode, stdout } = await jobscope(t, ["exec", "--list"], place);
  assert.equal(exitCode, 0);
  assert.match(stdout, /build\n {2}build\ntest\n {2}test\n {2}flaky {2}may fail/);
});

const refusals: readonly {
  name: string;
  files: Record<string, string>;
  args?: string[];
  environment?: Record<string, string>;
  message: RegExp;
}[] = [
  { name: "a repository without .gitlab-ci.yml", files: {}, message: /\.gitlab-ci\.yml/ },
  { name: "invalid YAML", files: { ".gitlab-ci.yml": "job: [" }, message: /\.gitlab-ci\.yml/ },
  { name: "a job that is not there", files: { ".gitlab-ci.yml": twoJobs }, args: ["nope"], message: /nope/ },
  {
    name: "a job that needs an image where no Docker Engine answers",
    files: { ".gitlab-ci.yml": "job: { image: node:22, script: [exit 0] }" },
    environment: { DOCKER_HOST: "unix:///nonexistent/docker.sock" },
    message:
      /nothing was run\n.*job: the container image node:22\nNo Docker Engine answers: .*nonexistent[\s\S]*--executor shell/,
  },
];
for (const { name, files, args = [], environment = {}, message } of refusals) {
  test(`${name} is told before anything runs, exit code 2`, async (t) => {
    const prepared = prepare(t, files);
    const place = { ...prepared, environment: { ...prepared.environment, ...environment } };
    const { exitCode, stdout, stderr } = await jobscope(t, ["exec", "--no-store", ...args], place);
    assert.equal(exitCode, 2);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n {4}at |not foreseen/);
    assert.equal(stdout, "");
    assert.deepEqual(readdirSync(place.temporary), []);
  });
}

test("a directory outside any git repository is told as such", async (t) => {
  const place = makeSurroundings(t);
  const { exitCode, stderr } = await jobscope(t, ["exec", "--cwd", place.temporary], place);
  assert.equal(exitCode, 2);
  assert.match(stderr, /git repository|work tree/);
});

const longJob = (place: { directory: string }, afterScript: string): string => `
job:
  script:
    - echo $$ > ${place.directory}/pid
    - echo the job is on
    - sleep 300
  after_script: [${JSON.stringify(afterScript)}]
`;

test("Ctrl-C cancels the pipeline: after_script runs, exit code 130, and nothing stays behind", async (t) => {
  const surroundings = makeSurroundings(t);
  const done = join(surroundings.directory, "after-script-ran");
  const cwd = aRepository(surroundings, { ".gitlab-ci.yml": longJob(surroundings, `touch ${done}`) });
  const run = startJobscope(t, ["exec"], { ...surroundings, cwd });
  await run.said(/job: get_sources/);
  await fileExists(join(surroundings.directory, "pid"));
  run.child.kill("SIGINT");
  const { exitCode, stdout } = await run.ended;
  assert.equal(exitCode, 130);
  assert.match(stdout, /pipeline \d+ was cancelled/);
  assert.ok(existsSync(done));
  assert.deepEqual(readdirSync(surroundings.temporary), []);
  await processIsGone(Number(readFileSync(join(surroundings.directory, "pid"), "utf8")));
});

test("a second Ctrl-C does not wait for after_script", async (t) => {
  const surroundings = makeSurroundings(t);
  const cwd = aRepository(surroundings, {
    ".gitlab-ci.yml": longJob(surroundings, `echo $$ > ${surroundings.directory}/after; sleep 300`),
  });
  const run = startJobscope(t, ["exec", "--no-store"], { ...surroundings, cwd });
  await fileExists(join(surroundings.directory, "pid"));
  run.child.kill("SIGINT");
  await fileExists(join(surroundings.directory, "after"));
  run.child.kill("SIGINT");
  const { exitCode } = await run.ended;
  assert.equal(exitCode, 130);
  assert.deepEqual(readdirSync(surroundings.temporary), []);
  await processIsGone(Number(readFileSync(join(surroundings.directory, "after"), "utf8")));
});

test("what an exec that was killed leaves goes: its collector at once, its jobs and files with the next exec", async (t) => {
  const surroundings = makeSurroundings(t);
  const cwd = aRepository(surroundings, {
    ".gitlab-ci.yml": `${longJob(surroundings, "true")}\nquick: { script: [echo quick] }`,
  });
  const run = startJobscope(t, ["exec", "job"], { ...surroundings, cwd });
  const pidFile = join(surroundings.directory, "pid");
  await fileExists(pidFile);
  const collector = JSON.parse(
    readFileSync(join(surroundings.directory, "share/jobscope/store/collector.json"), "utf8"),
  );
  run.child.kill("SIGKILL");
  await run.ended;
  await processIsGone(Number(collector.pid));
  assert.notDeepEqual(readdirSync(surroundings.temporary), []);
  const next = await jobscope(t, ["exec", "quick", "--no-store"], { ...surroundings, cwd });
  assert.equal(next.exitCode, 0, next.stderr);
  await processIsGone(Number(readFileSync(pidFile, "utf8")));
  assert.deepEqual(readdirSync(surroundings.temporary), []);
});
