import assert from "node:assert/strict";
import { test } from "node:test";
import { runningCoordinator } from "./support/running-coordinator.ts";
import { git, write } from "./support/temporary-repository.ts";
import { type TestPayload, TestRunner } from "./support/test-runner.ts";

async function payloadOf(
  config: string,
  request: { variables?: { key: string; value: string }[] } = {},
): Promise<TestPayload> {
  await using stack = await runningCoordinator(config);
  git(stack.repository, "remote", "add", "origin", "git@gitlab.example.com:group/sub/app.git");
  await stack.coordinator.createPipeline({
    repository: stack.repository,
    ...request,
    projectVariables: [
      { key: "TOKEN", value: "s3cret-value", masked: true },
      { key: "KEY_FILE", value: "content $HOME", file: true, raw: true },
      { key: "STRENGTH", value: "project" },
    ],
  });
  return await stack.runner.nextJob();
}

const valuesOf = (job: TestPayload) => new Map(job.variables.map((variable) => [variable.key, variable]));

test("predefined variables are complete and each name is there once", async () => {
  const job = await payloadOf(
    "build it: { stage: build, script: [x], environment: { name: review/Main!, url: 'https://$CI_ENVIRONMENT_SLUG.example.com' } }",
  );
  const values = valuesOf(job);
  assert.equal(values.size, job.variables.length);
  // Source: runner-protocol.md §9.1 #8, and GitLab's list of predefined variables.
  const expected: Record<string, string | RegExp> = {
    CI: "true",
    GITLAB_CI: "true",
    CI_SERVER: "yes",
    CI_JOB_ID: "1",
    CI_JOB_NAME: "build it",
    CI_JOB_NAME_SLUG: "build-it",
    CI_JOB_STAGE: "build",
    CI_JOB_TOKEN: job.token,
    CI_JOB_URL: /^http:\/\/127\.0\.0\.1:\d+\/group\/sub\/app\/-\/jobs\/1$/,
    CI_JOB_STARTED_AT: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    CI_JOB_TIMEOUT: "3600",
    CI_PIPELINE_ID: /^[1-9][0-9]{0,12}$/,
    CI_PIPELINE_IID: "1",
    CI_PIPELINE_SOURCE: "push",
    CI_PIPELINE_URL: /\/-\/pipelines\/[1-9]\d*$/,
    CI_PIPELINE_CREATED_AT: /Z$/,
    CI_PROJECT_ID: "1",
    CI_PROJECT_PATH: "group/sub/app",
    CI_PROJECT_PATH_SLUG: "group-sub-app",
    CI_PROJECT_NAME: "app",
    CI_PROJECT_NAMESPACE: "group/sub",
    CI_PROJECT_ROOT_NAMESPACE: "group",
    CI_PROJECT_URL: /\/group\/sub\/app$/,
    CI_REPOSITORY_URL: /^http:\/\/gitlab-ci-token:glcbt-[^@]+@127\.0\.0\.1:\d+\/group\/sub\/app\.git$/,
    CI_COMMIT_SHA: job.git_info.sha,
    CI_COMMIT_SHORT_SHA: job.git_info.sha.slice(0, 8),
    CI_COMMIT_REF_NAME: "main",
    CI_COMMIT_REF_SLUG: "main",
    CI_COMMIT_BRANCH: "main",
    CI_COMMIT_REF_PROTECTED: "true",
    CI_COMMIT_TITLE: "first",
    CI_COMMIT_MESSAGE: "first\n\nwith a body",
    CI_COMMIT_DESCRIPTION: "with a body",
    CI_COMMIT_AUTHOR: "A. Author <author@example.com>",
    CI_COMMIT_BEFORE_SHA: "0".repeat(40),
    CI_COMMIT_TIMESTAMP: /^\d{4}-/,
    CI_DEFAULT_BRANCH: "main",
    CI_CONFIG_PATH: ".gitlab-ci.yml",
    CI_SERVER_URL: /^http:\/\/127\.0\.0\.1:\d+$/,
    CI_SERVER_HOST: "127.0.0.1",
    CI_API_V4_URL: /\/api\/v4$/,
    CI_NODE_TOTAL: "1",
    CI_RUNNER_DESCRIPTION: "test",
    CI_RUNNER_TAGS: "[]",
    CI_ENVIRONMENT_NAME: "review/Main!",
    CI_ENVIRONMENT_SLUG: /^review-main-[a-z0-9]{6}$/,
    CI_ENVIRONMENT_URL: /^https:\/\/review-main-[a-z0-9]{6}\.example\.com$/,
    GITLAB_USER_NAME: "U. Ser",
    GITLAB_USER_EMAIL: "user@example.com",
    GITLAB_USER_LOGIN: "user",
  };
  for (const [key, value] of Object.entries(expected)) {
    if (typeof value === "string") assert.equal(values.get(key)?.value, value, key);
    else assert.match(values.get(key)?.value ?? "", value, key);
  }
  assert.deepEqual([values.get("CI_JOB_TOKEN")?.masked, values.get("CI_JOB_TOKEN")?.public], [true, false]);
  assert.equal(values.has("CI_COMMIT_TAG"), false);
  assert.equal(values.has("CI_PROJECT_DIR"), false, "it is the runner's");
});

test("variables keep their flags, refer to each other and follow GitLab's precedence", async () => {
  const config = `
variables: { STRENGTH: file, PLAIN: file, URL: "https://$HOST_PART/$PLAIN", RAW: { value: "$PLAIN", expand: false } }
job: { script: [x], parallel: { matrix: [{ PLAIN: [matrix] }] }, variables: { PLAIN: job, HOST_PART: h }, rules: [{ variables: { HOST_PART: rule } }] }
`;
  const values = valuesOf(await payloadOf(config, { variables: [{ key: "GIT_DEPTH", value: "0" }] }));
  assert.equal(values.get("STRENGTH")?.value, "project");
  assert.equal(values.get("PLAIN")?.value, "matrix");
  assert.equal(values.get("URL")?.value, "https://rule/matrix");
  assert.deepEqual([values.get("RAW")?.value, values.get("RAW")?.raw], ["$PLAIN", true]);
  assert.deepEqual([values.get("TOKEN")?.masked, values.get("TOKEN")?.public], [true, false]);
  assert.deepEqual([values.get("KEY_FILE")?.file, values.get("KEY_FILE")?.value], [true, "content $HOME"]);
});

test("sources, timeout, caches, hooks and reports are what the runner expects", async () => {
  const job = await payloadOf(`
default: { hooks: { pre_get_sources_script: [echo hi] } }
variables: { GIT_DEPTH: 5 }
job:
  script: [x]
  timeout: 90 seconds
  cache:
    - { key: deps, paths: [d], fallback_keys: [old], policy: pull, when: always }
    - { paths: [e], untracked: true, unprotect: true }
  artifacts: { untracked: true, exclude: [y], reports: { junit: [a.xml], sast: s.json } }
`);
  assert.equal(job.git_info.depth, 5);
  const pipelineRef = `refs/pipelines/${valuesOf(job).get("CI_PIPELINE_ID")?.value}`;
  assert.deepEqual(job.git_info.refspecs, [
    `+${pipelineRef}:${pipelineRef}`,
    "+refs/heads/main:refs/remotes/origin/main",
  ]);
  assert.equal(job.runner_info.timeout, 90);
  assert.deepEqual(job.hooks, [{ name: "pre_get_sources_script", script: ["echo hi"] }]);
  assert.deepEqual(job.cache, [
    {
      key: "deps-protected",
      fallback_keys: ["old-protected"],
      paths: ["d"],
      untracked: false,
      policy: "pull",
      when: "always",
    },
    {
      key: "default-protected",
      fallback_keys: [],
      paths: ["e"],
      untracked: true,
      policy: "pull-push",
      when: "on_success",
    },
  ]);
  assert.deepEqual(job.artifacts, [
    {
      untracked: true,
      paths: [],
      exclude: ["y"],
      when: "on_success",
      artifact_type: "archive",
      artifact_format: "zip",
    },
    {
      name: "junit.xml",
      untracked: false,
      paths: ["a.xml"],
      when: "always",
      artifact_type: "junit",
      artifact_format: "gzip",
    },
    {
      name: "gl-sast-report.json",
      untracked: false,
      paths: ["s.json"],
      when: "always",
      artifact_type: "sast",
      artifact_format: "raw",
    },
  ]);
  assert.equal(job.image, null);
  assert.equal("run" in job, false);
});

test("secrets say where they are, id tokens that are shown for them, and job inputs their values", async () => {
  await using stack = await runningCoordinator(`
variables: { VAULT_SERVER_URL: "https://vault.example", VAULT_AUTH_ROLE: ci, AWS_REGION: eu-west-1 }
job:
  script: ["echo \${{ job.inputs.target }}"]
  when: manual
  manual_confirmation: Deploy $CI_COMMIT_BRANCH?
  id_tokens: { ID: { aud: a } }
  inputs:
    target: { default: staging, options: [staging, production] }
    count: { type: number, default: 2 }
  secrets:
    PASSWORD: { vault: production/db/password@ops, file: false }
    KEY: { aws_secrets_manager: "app/db#key", token: $ID }
    PIN: { gcp_secret_manager: { name: pin, version: 3 }, token: $ID }
boxed:
  script: [x]
  image: { name: alpine, entrypoint: [""], pull_policy: never, docker: { user: me, platform: linux/arm64 } }
  services: [{ name: redis, alias: "a,b", command: [x], entrypoint: [y], variables: { V: "1" }, ports: [80] }]
`);
  const { coordinator, repository, runner } = stack;
  const plan = await coordinator.planPipeline({ repository });
  assert.deepEqual(plan.warnings, ["secrets of job cannot be read: the variable GCP_PROJECT_NUMBER is not set"]);
  const jobs = coordinator.startPipeline(plan).jobs();
  const control = (action: string, job_inputs: unknown) =>
    fetch(`${coordinator.url}/api/v4/projects/1/jobs/${jobs.find(({ name }) => name === "job")?.id}/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ job_inputs }),
    });
  const refused = await control("play", { target: "moon" });
  assert.match(await refused.text(), /403.*input \\"target\\" of job \\"job\\" is not one of staging, production/);
  assert.equal((await control("play", { target: "production" })).status, 200);
  const job = (await runner.nextJob()) as TestPayload & { secrets: unknown; inputs: unknown };
  assert.deepEqual(job.inputs, [
    { key: "target", value: { type: "string", content: "production", sensitive: false } },
    { key: "count", value: { type: "number", content: 2, sensitive: false } },
  ]);
  const auth = { name: "jwt", path: "jwt", data: { jwt: "$".concat("{ID}"), role: "ci" } };
  assert.deepEqual(job.secrets, {
    PASSWORD: {
      vault: {
        engine: { name: "kv-v2", path: "ops" },
        ...{ path: "production/db", field: "password", server: { url: "https://vault.example", auth } },
      },
      file: false,
    },
    KEY: {
      aws_secrets_manager: { secret_id: "app/db", field: "key", server: { region: "eu-west-1", jwt: "$ID" } },
      file: true,
    },
    PIN: { gcp_secret_manager: { name: "pin", version: "3", server: { jwt: "$ID" } }, file: true },
  });

  const all = coordinator.createRunnerToken({ description: "docker", ignoresTags: true });
  const boxed = (await new TestRunner(coordinator.url, all.token, {
    image: true,
    services: true,
  }).nextJob()) as TestPayload & { services: unknown };
  const executor_opts = { docker: { user: "me", platform: "linux/arm64" } };
  assert.deepEqual(boxed.image, { name: "alpine", entrypoint: [""], pull_policy: ["never"], executor_opts });
  const variables = [{ key: "V", value: "1", public: true, masked: false, file: false, raw: false }];
  const ports = [{ number: 80, protocol: "http", name: "default_port" }];
  assert.deepEqual(boxed.services, [
    { name: "redis", alias: "a,b", entrypoint: ["y"], command: ["x"], variables, ports },
  ]);
});

test("a tag is a tag, and a full fetch brings every branch", async () => {
  await using stack = await runningCoordinator("job: { script: [x], variables: { GIT_DEPTH: 0 } }");
  const { coordinator, repository, runner } = stack;
  git(repository, "tag", "-a", "v1", "-m", "The first one");
  git(repository, "checkout", "--quiet", "v1");
  await coordinator.createPipeline({ repository });
  const job = await runner.nextJob();
  assert.equal(valuesOf(job).get("CI_COMMIT_TAG")?.value, "v1");
  assert.equal(valuesOf(job).get("CI_COMMIT_TAG_MESSAGE")?.value, "The first one");
  assert.equal(valuesOf(job).has("CI_COMMIT_BRANCH"), false);
  assert.deepEqual([job.git_info.ref, job.git_info.depth], ["v1", 0]);
  assert.ok(job.git_info.refspecs.includes("+refs/heads/*:refs/remotes/origin/*"));
});

test("a run job goes to a runner that announces functions, with its steps as text and no script", async () => {
  await using stack = await runningCoordinator("job: { run: [{ name: a, script: echo }] }", { longPollMs: 100 });
  await stack.coordinator.createPipeline({ repository: stack.repository });
  const functions = stack.coordinator.createRunnerToken({ description: "f" });
  const without = new TestRunner(stack.coordinator.url, functions.token, { native_steps_integration: false });
  assert.equal(await without.requestJob(), undefined);
  const runner = new TestRunner(stack.coordinator.url, functions.token, { native_steps_integration: true });
  const job = (await runner.nextJob()) as TestPayload & { run: string };
  assert.deepEqual(JSON.parse(job.run), [{ name: "a", script: "echo" }]);
  assert.deepEqual(job.steps[0]?.script, []);
});

test("changes compare with what was pushed, then with the commit before", async () => {
  await using stack = await runningCoordinator({
    ".gitlab-ci.yml":
      "docs: { script: [x], rules: [{ changes: [docs/**/*] }] }\ncode: { script: [x], rules: [{ changes: [src/*] }] }",
    "src/a": "1",
  });
  const { coordinator, repository } = stack;
  const jobs = async () => (await coordinator.planPipeline({ repository })).jobs.map(({ name }) => name);
  assert.deepEqual(await jobs(), ["docs", "code"], "with nothing to compare with, changes hold");
  write(repository, { "docs/x": "1" });
  assert.deepEqual(await jobs(), ["docs"]);
  git(repository, "add", "--all");
  git(repository, "commit", "--quiet", "-m", "docs");
  assert.deepEqual(await jobs(), ["docs"]);
  write(repository, { "src/a": "2" });
  assert.deepEqual(await jobs(), ["code"]);
});
