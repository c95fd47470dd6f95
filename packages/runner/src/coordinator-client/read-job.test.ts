import assert from "node:assert/strict";
import { test } from "node:test";
import { aJobPayload, aVariable } from "../../test/support/job-payload.ts";
import { readJob } from "./read-job.ts";

const context = { correlationId: "c1", serverCertificateChain: undefined };

function read(changes: Record<string, unknown>) {
  const result = readJob(aJobPayload(changes), context);
  assert.equal(result.kind, "job");
  return result.kind === "job" ? result.job : assert.fail();
}

test("a payload becomes a frozen job in our words", () => {
  const job = read({
    variables: [aVariable("A", "1", { masked: true, public: false })],
    image: { name: "alpine", entrypoint: ["sh"] },
    services: [{ name: "postgres", alias: "db, database  pg" }],
    cache: [{ key: "k", paths: ["a/"] }],
    artifacts: [{ name: "x", paths: ["dist"], when: "always", artifact_type: "junit", artifact_format: "gzip" }],
  });
  assert.equal(job.acceptsLogSections, true);
  assert.deepEqual(job.variables, [
    { key: "A", value: "1", isPublic: false, isFile: false, isMasked: true, isRaw: false },
  ]);
  assert.deepEqual(job.services[0]?.aliases, ["db", "database", "pg"]);
  assert.equal(job.image?.name, "alpine");
  assert.equal(job.caches[0]?.policy, "pull-push");
  assert.equal(job.caches[0]?.when, "on_success");
  assert.equal(job.artifacts[0]?.when, "always");
  assert.equal(job.timeoutMs, 60_000);
  assert.ok(Object.isFrozen(job) && Object.isFrozen(job.variables) && Object.isFrozen(job.variables[0]));
});

test("null stands for every absent object, array and text (runner-protocol.md §1.8)", () => {
  const job = read({
    job_info: null,
    git_info: null,
    runner_info: null,
    variables: null,
    steps: null,
    image: null,
    services: null,
    artifacts: null,
    cache: null,
    credentials: null,
    dependencies: null,
    features: null,
    secrets: null,
    hooks: null,
    inputs: null,
    run: null,
    policy_options: null,
  });
  assert.equal(job.timeoutMs, 7_200_000);
  assert.deepEqual(job.scriptSteps, []);
  assert.equal(job.run, undefined);
});

test("unknown fields, unknown failure reasons and credentials of another type are passed over", () => {
  const job = read({
    from_the_future: { a: 1 },
    features: { failure_reasons: ["job_canceled", "from_the_future"], from_the_future: true },
    credentials: [
      { type: "registry", url: "r", username: "u", password: "p" },
      { type: "Registry", url: "r", username: "u", password: "p" },
    ],
  });
  assert.deepEqual(job.acceptedFailureReasons, ["job_canceled"]);
  assert.equal(job.registryCredentials.length, 1);
});

test("a dependency without an artifacts file is left out", () => {
  const job = read({
    dependencies: [
      { id: 1, token: "t", name: "a", artifacts_file: { filename: "a.zip", size: 3 } },
      { id: 2, token: "t", name: "b" },
      { id: 3, token: "t", name: "c", artifacts_file: { filename: "", size: 0 } },
    ],
  });
  assert.deepEqual(
    job.dependencies.map(({ jobId, artifactsFile }) => [jobId, artifactsFile.sizeBytes]),
    [[1, 3]],
  );
});

test("a payload of wrong types is unreadable and says where, without values", () => {
  const result = readJob(aJobPayload({ variables: [{ key: "A", value: 5 }], steps: "secret" }), context);
  assert.equal(result.kind, "unreadable");
  if (result.kind !== "unreadable") return;
  assert.equal(result.jobId, 1001);
  assert.match(result.problems.join("\n"), /variables\.0\.value.*\n.*steps/s);
  assert.doesNotMatch(result.problems.join("\n"), /secret/);
});

test("what is no payload at all is unreadable without an identity", () => {
  for (const payload of [undefined, null, "text", 5, [], {}]) {
    const result = readJob(payload, context);
    assert.deepEqual([result.kind, result.kind === "unreadable" && result.jobId], ["unreadable", undefined]);
  }
});
