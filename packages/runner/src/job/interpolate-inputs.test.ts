// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions of job inputs look like that.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aJob } from "../../test/support/a-job.ts";
import { aJobPayload } from "../../test/support/job-payload.ts";
import { readJob } from "../coordinator-client/read-job.ts";
import { interpolateInputs } from "./interpolate-inputs.ts";
import { JobFailure } from "./job-failure.ts";

function anInput(key: string, type: string, content: unknown, sensitive = false) {
  return { key, value: { type, content, sensitive } };
}

const inputs = [
  anInput("name", "string", "web"),
  anInput("count", "number", 3),
  anInput("fast", "boolean", true),
  anInput("list", "array", ["a", "b"]),
  anInput("options", "struct", { level: { deep: "d" } }),
  anInput("password", "string", "s3cret", true),
];

function jobOf(changes: Readonly<Record<string, unknown>>) {
  const result = readJob(aJobPayload({ inputs, ...changes }), { correlationId: "", serverCertificateChain: undefined });
  return result.kind === "job" ? result.job : assert.fail(result.problems.join("; "));
}

describe("inputs of a job (runner-protocol.md §1.8.8, ci-functions.md §7)", () => {
  const texts = [
    { text: "deploy ${{ job.inputs.name }}!", becomes: "deploy web!" },
    { text: "${{ job.inputs.count }}", becomes: "3" },
    { text: "${{ job.inputs.count + 1 }}", becomes: "4" },
    { text: "x${{ job.inputs.fast }}", becomes: "xtrue" },
    { text: "${{ job.inputs.list }}", becomes: '["a", "b"]' },
    { text: "${{ job.inputs.list[1] }}", becomes: "b" },
    { text: "${{ job.inputs.options.level.deep }}", becomes: "d" },
    { text: '${{ job.inputs["name"] }}', becomes: "web" },
    { text: "${{ str(job.inputs.count) }}", becomes: "3" },
    { text: '${{ job.inputs.none || "fallback" }}', becomes: "fallback" },
    { text: "\\${{ job.inputs.name }}", becomes: "${{ job.inputs.name }}" },
    { text: "$[[ inputs.name ]] ${NAME} $((1+1))", becomes: "$[[ inputs.name ]] ${NAME} $((1+1))" },
  ];
  for (const { text, becomes } of texts) {
    test(`${text} becomes ${becomes}`, async () => {
      const job = await interpolateInputs(jobOf({ steps: [{ name: "script", script: [text] }] }));
      assert.deepEqual(job.scriptSteps[0]?.script, [becomes]);
    });
  }

  const refused = [
    { text: "${{ job.inputs.nope }}", says: /^script\[0\]: .*"\.nope": attribute not found/ },
    { text: "${{ job.inputs.name", says: /^script\[0\]: parser: / },
    { text: "${{ }}", says: /^script\[0\]: parser: / },
    { text: "${{ job.inputs.list[9] }}", says: /array index out of range/ },
    { text: "${{ inputs.name }}", says: /attribute not found/ },
    { text: "a ${{ job.inputs.password }}", says: /job\.inputs\.password is sensitive/ },
  ];
  for (const { text, says } of refused) {
    test(`${text} fails the job as a configuration error`, async () => {
      const job = jobOf({ steps: [{ name: "script", script: [text] }] });
      await assert.rejects(interpolateInputs(job), (error) => {
        assert.ok(error instanceof JobFailure);
        assert.equal(error.reason, "runner_configuration_error");
        assert.match(error.message.replace(/^failed to interpolate job inputs: /, ""), says);
        assert.equal(error.message.includes("s3cret"), false);
        return true;
      });
    });
  }

  test("every field that is said to be interpolated is, and no other", async () => {
    const x = "${{ job.inputs.name }}";
    const job = await interpolateInputs(
      jobOf({
        steps: ["script", "after_script", "release"].map((name) => ({ name, script: [x] })),
        image: { name: x, command: [x], entrypoint: [x], pull_policy: [x], executor_opts: { docker: { user: x } } },
        services: [{ name: x, alias: "db", executor_opts: { docker: { user: 5 } } }],
        artifacts: [{ name: x, paths: [x], exclude: [x], when: x, expire_in: x, artifact_type: x, artifact_format: x }],
        cache: [{ key: x, policy: x, paths: [x], when: x, fallback_keys: [x] }],
        variables: [{ key: "V", value: x }],
        run: "[]",
      }),
    );
    assert.deepEqual(
      job.scriptSteps.map(({ script }) => script[0]),
      ["web", "web", x],
    );
    const { name, command, entrypoint, pullPolicies, executorOptions } = job.image ?? assert.fail();
    assert.deepEqual(
      [name, ...command, ...entrypoint, ...pullPolicies, executorOptions],
      ["web", "web", "web", "web", { docker: { user: "web" } }],
    );
    assert.deepEqual([job.services[0]?.name, job.services[0]?.executorOptions], ["web", { docker: { user: 5 } }]);
    const [set] = job.artifacts;
    assert.deepEqual(
      [set?.name, set?.paths, set?.exclude, set?.when, set?.expireIn, set?.type, set?.format],
      ["web", ["web"], ["web"], "web", "web", x, x],
    );
    const [cache] = job.caches;
    assert.deepEqual(
      [cache?.key, cache?.policy, cache?.paths, cache?.when, cache?.fallbackKeys],
      ["web", "web", ["web"], "web", ["web"]],
    );
    assert.equal(job.variables[0]?.value, x);
  });

  test("a job without inputs keeps its texts, expressions too", async () => {
    const job = aJob({ script: ["echo ${{ job.inputs.name }} ${{"] });
    assert.equal(await interpolateInputs(job), job);
  });

  for (const [what, input, problem] of [
    ["no content", anInput("a", "string", null), /^inputs\.0\.value\.content: /],
    ["content of another type", anInput("a", "number", "3"), /^inputs\.0\.value\.content: .*expected number/],
    ["an unknown type", anInput("a", "date", "3"), /^inputs\.0\.value\.type: /],
    ["no key", anInput("", "string", "3"), /^inputs\.0\.key: /],
  ] as const) {
    test(`an input with ${what} makes the payload unreadable`, () => {
      const result = readJob(aJobPayload({ inputs: [input] }), {
        correlationId: "",
        serverCertificateChain: undefined,
      });
      assert.equal(result.kind, "unreadable");
      assert.match(result.kind === "unreadable" ? (result.problems[0] ?? "") : "", problem);
    });
  }
});
