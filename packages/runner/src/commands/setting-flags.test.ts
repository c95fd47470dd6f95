import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandError } from "./command-io.ts";
import { mergeTables, readSettings, type SettingsSource } from "./setting-flags.ts";

/** Source: runner-protocol.md §6.3 to §6.5 and §6.8. */
const readings: readonly (Partial<SettingsSource> & { readonly gives: object })[] = [
  { args: ["--docker-image", "alpine"], gives: { docker: { image: "alpine" } } },
  { args: ["--docker-image=alpine"], gives: { docker: { image: "alpine" } } },
  { args: ["--docker_pull_policy", "never"], gives: { docker: { pull_policy: "never" } } },
  {
    args: ["--docker-volumes", "/a", "--docker-volumes", "/b:/c:ro"],
    gives: { docker: { volumes: ["/a", "/b:/c:ro"] } },
  },
  {
    args: ["--docker-privileged", "--docker-tls-verify=false"],
    gives: { docker: { privileged: true, tls_verify: false } },
  },
  {
    args: ["--docker-sysctls", "net.core.somaxconn:1024"],
    gives: { docker: { sysctls: { "net.core.somaxconn": "1024" } } },
  },
  { args: ["--docker-services", "postgres:16"], gives: { docker: { services: [{ name: "postgres:16" }] } } },
  { args: ["--output-limit", "8192", "--limit=2"], gives: { output_limit: 8192, limit: 2 } },
  { args: ["--env", "A=1", "--env", "B=x=y"], gives: { environment: ["A=1", "B=x=y"] } },
  { args: ["--tls-ca-file", "/ca.pem"], gives: { "tls-ca-file": "/ca.pem" } },
  { args: ["--cache-type", "s3", "--cache-shared"], gives: { cache: { Type: "s3", Shared: true } } },
  { args: ["--cache-max-uploaded-archive-size", "5"], gives: { cache: { MaxUploadedArchiveSize: 5 } } },
  {
    environment: { CACHE_S3_AUTHENTICATION_TYPE: "iam", CACHE_S3_PATH_STYLE: "true", CACHE_S3_UPLOAD_ROLE_ARN: "r" },
    gives: { cache: { s3: { AuthenticationType: "iam", PathStyle: true, UploadRoleARN: "r" } } },
  },
  {
    args: ["--cache-gcs-access-id", "a", "--cache-azure-storage-domain", "d", "--cache-s3-dual-stack=false"],
    environment: { CACHE_MAXIMUM_UPLOADED_ARCHIVE_SIZE: "9" },
    gives: {
      cache: {
        MaxUploadedArchiveSize: 9,
        s3: { DualStack: false },
        gcs: { AccessID: "a" },
        azure: { StorageDomain: "d" },
      },
    },
  },
  { args: ["--custom-build-dir-enabled"], gives: { custom_build_dir: { enabled: true } } },
  { args: ["--feature-flags", "FF_A:true,FF_B:0"], gives: { feature_flags: { FF_A: true, FF_B: false } } },
  { environment: { RUNNER_OUTPUT_LIMIT: "7", CACHE_TYPE: "gcs" }, gives: { output_limit: 7, cache: { Type: "gcs" } } },
  { args: ["--shell", "sh"], environment: { RUNNER_SHELL: "bash" }, gives: { shell: "sh" } },
  { environment: { DOCKER_HOST: "tcp://d" }, executor: "docker", gives: { docker: { host: "tcp://d" } } },
  { environment: { DOCKER_HOST: "tcp://d" }, executor: "shell", gives: {} },
];

for (const { args = [], environment = {}, executor, gives } of readings) {
  const given = [...args, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)].join(" ");
  test(`${given} of a runner with ${executor ?? "any executor"} gives ${JSON.stringify(gives)}`, () => {
    assert.deepEqual(readSettings({ args, environment, executor }), gives);
  });
}

const mistakes: readonly { readonly args: readonly string[]; readonly message: RegExp }[] = [
  { args: ["--dokcer-image", "x"], message: /unknown option '--dokcer-image'/ },
  { args: ["stray"], message: /unknown option 'stray'/ },
  { args: ["--docker-image"], message: /--docker-image: a value is missing/ },
  { args: ["--limit", "many"], message: /--limit \(RUNNER_LIMIT\): expected a number, found "many"/ },
  { args: ["--docker-privileged=maybe"], message: /--docker-privileged .*: expected true or false, found "maybe"/ },
  { args: ["--feature-flags", "FF_A"], message: /--feature-flags .*: expected NAME:value, found "FF_A"/ },
  { args: ["--feature-flags", "FF_A:perhaps"], message: /expected true or false, found "perhaps"/ },
  { args: ["--token", "glrt-x"], message: /unknown option '--token'/ },
];

for (const { args, message } of mistakes) {
  test(`${args.join(" ")} is refused`, () => {
    assert.throws(
      () => readSettings({ args, environment: {}, executor: undefined }),
      (error) => error instanceof CommandError && error.exitCode === 2 && message.test(error.message),
    );
  });
}

test("a table over another keeps what it says nothing of, inside inner tables too", () => {
  const template = { limit: 1, docker: { image: "a", volumes: ["/x"] } };
  const merged = mergeTables(template, { docker: { image: "b" }, shell: "sh" });
  assert.deepEqual(merged, { limit: 1, docker: { image: "b", volumes: ["/x"] }, shell: "sh" });
});
