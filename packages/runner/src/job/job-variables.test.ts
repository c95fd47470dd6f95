import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aJob } from "../../test/support/a-job.ts";
import { aRunner } from "../../test/support/a-runner.ts";
import { createVariableSet, plainVariable } from "../shell/variable-set.ts";
import { featureFlagNames, resolveFeatureFlags } from "./feature-flags.ts";
import type { JobExecutionOptions } from "./job-execution.ts";
import { goArchitecture, jobVariablesOf } from "./job-variables.ts";

const directories = { root: "/b", project: "/b/g/p", temporary: "/b/g/p.tmp", cache: "/c/g/p" };
const tls = { authorities: "ca", certificate: "cert", key: "key" };
const image = {
  ...{ name: "alpine:$TAG", aliases: [], command: [], entrypoint: [] },
  ...{ variables: [], pullPolicies: [], executorOptions: {} },
};

/** The variables of a job in their final form. The job sets `ofJob`, the runner's `environment` the same keys. */
function variablesOf(ofJob: Readonly<Record<string, string>>, executor = "shell", docker = {}) {
  const environment = Object.keys(ofJob).map((key) => ({ key, value: "the runner's" }));
  const table = { token: "glrt-abc123def456", executor, ...(executor === "docker" ? { docker } : {}) };
  const options = {
    job: aJob({ timeoutMs: 90_500, image, variables: { TAG: "3", ...ofJob } }),
    runner: { ...aRunner("https://gitlab.example.com", table), environment },
    executor: { name: executor },
    product: { name: "gitlab-runner", version: "19.4.0", revision: "d79f3e7b" },
    concurrentId: 4,
    concurrentProjectId: 2,
  } as unknown as JobExecutionOptions;
  const { flags } = resolveFeatureFlags({}, (name) => ofJob[name]);
  const secrets = [{ ...plainVariable("SECRET", "of-the-provider"), isMasked: true }];
  return createVariableSet(jobVariablesOf(options, flags, tls, directories, secrets), directories.temporary);
}

/** `wins`: what remains when the job itself sets the variable to `the job's`. Source: runner-protocol.md §3.2. */
const cases: readonly { readonly key: string; readonly value: string; readonly wins: "job" | "runner" }[] = [
  { key: "CI_JOB_IMAGE", value: "alpine:3", wins: "job" },
  { key: "CI_RUNNER_SHORT_TOKEN", value: "abc123def", wins: "job" },
  { key: "CI_BUILDS_DIR", value: "/b", wins: "job" },
  { key: "CI_PROJECT_DIR", value: "/b/g/p", wins: "job" },
  { key: "CI_CONCURRENT_ID", value: "4", wins: "job" },
  { key: "CI_CONCURRENT_PROJECT_ID", value: "2", wins: "job" },
  { key: "CI_SERVER", value: "yes", wins: "job" },
  { key: "CI_JOB_STATUS", value: "running", wins: "job" },
  { key: "CI_JOB_TIMEOUT", value: "90", wins: "job" },
  { key: "CI_SERVER_TLS_CA_FILE", value: "/b/g/p.tmp/CI_SERVER_TLS_CA_FILE", wins: "job" },
  { key: "CI_SERVER_TLS_CERT_FILE", value: "/b/g/p.tmp/CI_SERVER_TLS_CERT_FILE", wins: "job" },
  { key: "CI_SERVER_TLS_KEY_FILE", value: "/b/g/p.tmp/CI_SERVER_TLS_KEY_FILE", wins: "job" },
  { key: "CI_SHARED_ENVIRONMENT", value: "true", wins: "runner" },
  { key: "CI_RUNNER_VERSION", value: "19.4.0", wins: "runner" },
  { key: "CI_RUNNER_REVISION", value: "d79f3e7b", wins: "runner" },
  { key: "CI_RUNNER_EXECUTABLE_ARCH", value: `${process.platform}/${goArchitecture()}`, wins: "runner" },
  { key: "SECRET", value: "of-the-provider", wins: "runner" },
  { key: "RUNNER_TEMP_PROJECT_DIR", value: "/b/g/p.tmp", wins: "runner" },
];

describe("the variables of a job (runner-protocol.md §3.2)", () => {
  for (const { key, value, wins } of cases) {
    test(`${key} is there, and ${wins === "job" ? "a job can" : "no job can"} set it`, () => {
      assert.equal(variablesOf({}).processValueOf(key), value);
      assert.equal(variablesOf({ [key]: "the job's" }).processValueOf(key), wins === "job" ? "the job's" : value);
    });
  }

  test("feature flags are there as they were resolved, however the job spells them", () => {
    assert.equal(variablesOf({}).valueOf("FF_TIMESTAMPS"), "true");
    const flags = variablesOf({}).entries.filter(({ key }) => key.startsWith("FF_"));
    assert.equal(flags.length, featureFlagNames.length);
  });

  test("a container is disposable, a machine is shared", () => {
    assert.equal(variablesOf({}, "docker").valueOf("CI_DISPOSABLE_ENVIRONMENT"), "true");
    assert.equal(variablesOf({}, "docker").has("CI_SHARED_ENVIRONMENT"), false);
    assert.equal(variablesOf({}).has("CI_DISPOSABLE_ENVIRONMENT"), false);
  });

  test("the network of a job has a name where it has one of its own", () => {
    const flag = { FF_NETWORK_PER_BUILD: "true" };
    assert.equal(variablesOf(flag, "docker").valueOf("CI_BUILD_NETWORK_NAME"), "runner-abc123def-7-2-42");
    assert.equal(variablesOf({}, "docker").has("CI_BUILD_NETWORK_NAME"), false);
    assert.equal(variablesOf(flag, "docker", { network_mode: "host" }).has("CI_BUILD_NETWORK_NAME"), false);
    assert.equal(variablesOf(flag).has("CI_BUILD_NETWORK_NAME"), false);
  });

  test("a job's variable may refer to those of the runner, whatever their order, and to a secret", () => {
    const variables = variablesOf({ A: "$CI_PROJECT_DIR/$B", B: "b", C: "<$SECRET>", D: "$CI_SERVER_TLS_CA_FILE" });
    assert.equal(variables.valueOf("A"), "/b/g/p/b");
    assert.equal(variables.valueOf("C"), "<of-the-provider>");
    assert.equal(variables.valueOf("D"), "/b/g/p.tmp/CI_SERVER_TLS_CA_FILE");
  });
});
