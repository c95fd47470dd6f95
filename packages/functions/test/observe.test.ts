import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { createFunctionSources, type StepObserver, stepResultToJson, writeStepResults } from "../src/index.ts";
import { functionFile, JobFixture, shellFunction } from "./job-fixture.ts";

const functions = {
  "fail/func.yml": shellFunction("exit 4"),
  "give/func.yml": shellFunction(
    `echo '{"name":"file","value":"out.bin"}' > \${{ output_file }}; echo '{"name":"OUT","value":"o"}' > \${{ export_file }}`,
    {
      inputs: { n: { type: "number", default: 0 } },
      outputs: { file: { type: "string" } },
    },
  ),
  "outer/func.yml": functionFile(
    {},
    {
      run: [
        { name: "inner", func: "../give" },
        { name: "said", script: "echo $TRACEPARENT" },
      ],
    },
  ),
};

suite("the observer (telemetry.md §2, ci-functions.md §10)", () => {
  test("sees every invocation with its name, form, depth and caller, and how it ended", async () => {
    await using job = await JobFixture.create(functions);
    await job.run([
      { name: "o", func: "./outer" },
      { name: "f", step: "./fail" },
      { name: "never", script: "true" },
    ]);
    assert.deepEqual(
      job.seen.map(({ name, reference, version, kind, depth, type, parent, end }) => ({
        name,
        reference,
        version,
        kind,
        depth,
        type,
        parent: parent?.name,
        ...end,
      })),
      [
        {
          name: "o",
          reference: "./outer",
          version: "",
          kind: "path",
          depth: 0,
          type: "run",
          parent: undefined,
          status: "success",
          exitCode: undefined,
          error: undefined,
          errorCode: undefined,
        },
        {
          name: "inner",
          reference: "../give",
          version: "",
          kind: "path",
          depth: 1,
          type: "exec",
          parent: "o",
          status: "success",
          exitCode: 0,
          error: undefined,
          errorCode: undefined,
        },
        {
          name: "said",
          reference: "script",
          version: "0.1.0",
          kind: "script",
          depth: 1,
          type: "script",
          parent: "o",
          status: "success",
          exitCode: 0,
          error: undefined,
          errorCode: undefined,
        },
        {
          name: "f",
          reference: "./fail",
          version: "",
          kind: "path",
          depth: 0,
          type: "exec",
          parent: undefined,
          status: "failed",
          exitCode: 4,
          error: 'step "f": exec: exit code 4',
          errorCode: "command_failed",
        },
      ],
    );
  });

  test("a step that cannot be loaded is seen as well", async () => {
    await using job = await JobFixture.create();
    await job.run([{ name: "a", func: "${{ vars.NOPE }}" }]);
    await job.run([{ name: "b", func: "./nowhere" }]);
    assert.deepEqual(
      job.seen.map(({ name, reference, kind, type, end }) => [
        name,
        reference,
        kind,
        type,
        end?.status,
        end?.errorCode,
      ]),
      [
        ["a", "${{ vars.NOPE }}", "unknown", undefined, "failed", "expression_failed"],
        ["b", "./nowhere", "path", undefined, "failed", "function_not_found"],
      ],
    );
  });

  test("its environment reaches the step's processes; exports and env of the user's win", async () => {
    await using job = await JobFixture.create({
      ...functions,
      "export/func.yml": shellFunction(`echo '{"name":"TRACEPARENT","value":"exported"}' > \${{ export_file }}`),
    });
    const say = "echo $TRACEPARENT";
    const output = await job.output(
      [
        { name: "a", script: say },
        { name: "o", func: "./outer" },
        { name: "e", script: say, env: { TRACEPARENT: "mine" } },
        { name: "x", func: "./export" },
        { name: "b", script: say },
      ],
      { env: { PATH: "/usr/bin:/bin", TRACEPARENT: "of-the-stage" } },
    );
    assert.deepEqual(output, ["trace-of-a", "trace-of-said", "mine", "exported"]);
  });

  test("cannot fail a job, whatever it throws", async () => {
    const fault = (): never => {
      throw new Error("a bug");
    };
    const observers: StepObserver[] = [
      { stepStarted: fault },
      { stepStarted: () => ({ environment: {}, loaded: fault, fetchStarted: fault, ended: fault }) },
      {
        stepStarted: () => ({
          get environment() {
            return fault();
          },
          loaded: fault,
          fetchStarted: () => ({ ended: fault }),
          ended: fault,
        }),
      },
    ];
    for (const observer of observers) {
      await using job = await JobFixture.create(functions);
      const outcome = await job.run([{ name: "o", func: "./outer" }], { observer });
      assert.equal(outcome.status, "success");
    }
  });

  test("no value of an input, output, variable or environment reaches it", async () => {
    await using job = await JobFixture.create({
      "take/func.yml": shellFunction("exit 1", { inputs: { v: { type: "string", sensitive: true } } }),
    });
    for (const v of [
      "hunter2-literal",
      "${{ vars.SECRET }}",
      "${{ num(vars.SECRET) }}",
      "${{ vars.SECRET + 1 }}",
      "${{ [1][vars.SECRET] }}",
    ]) {
      await job.run([{ name: "t", func: "./take", inputs: { v }, env: { E: "${{ vars.SECRET }}" } }], {
        vars: { SECRET: "hunter2-variable" },
      });
    }
    const shown = job.seen.map(({ reference, end }) => [reference, end]);
    assert.equal(shown.length, 5);
    assert.doesNotMatch(JSON.stringify(shown), /hunter2/);
  });
});

suite("the result tree (ci-functions.md §6)", () => {
  test("has the form of step-results.json, zero values left out", async () => {
    await using job = await JobFixture.create(functions);
    const outcome = await job.run(
      [
        { name: "make", func: "./give", inputs: { n: "${{ 1 + 1 }}" }, env: { E: "e" } },
        { name: "check", func: "./fail" },
      ],
      { env: { PATH: "/usr/bin:/bin" } },
    );
    const json = JSON.parse(JSON.stringify(stepResultToJson(outcome.result)));
    assert.deepEqual(json.step, {});
    assert.equal(json.status, "failure");
    const [make, check] = json.subStepResults;
    assert.deepEqual(make.step, {
      name: "make",
      step: { protocol: "local", path: [".", "give"], filename: "func.yml" },
      inputs: { n: 2 },
      env: { PATH: "/usr/bin:/bin", CI_STEPS_LOG_LEVEL: "info", TRACEPARENT: "trace-of-make", E: "e" },
    });
    assert.deepEqual(
      { status: make.status, outputs: make.outputs, exports: make.exports, exec: make.execResult.exitCode },
      { status: "success", outputs: { file: "out.bin" }, exports: { OUT: "o" }, exec: undefined },
    );
    assert.equal(make.specDefinition.definition.exec.command[2].includes("${{ output_file }}"), true);
    assert.equal(check.env.OUT, "o");
    assert.deepEqual(check.execResult, { command: ["sh", "-ec", "exit 4"], workDir: job.workDir, exitCode: 4 });
    assert.equal("outputs" in check, false);
  });

  test("a failed step is recorded under the steps that ran, nested ones included", async () => {
    await using job = await JobFixture.create({
      ...functions,
      "deep/func.yml": functionFile(
        {},
        {
          run: [
            { name: "ok", script: "true" },
            { name: "bad", func: "../fail" },
          ],
        },
      ),
    });
    const { result } = await job.run([{ name: "d", func: "./deep" }]);
    const [deep] = result.steps ?? [];
    assert.deepEqual(
      deep?.steps?.map(({ name, status }) => [name, status]),
      [
        ["ok", "success"],
        ["bad", "failure"],
      ],
    );
    assert.equal(deep?.status, "failure");
  });

  test("is written to a file that others cannot read", async () => {
    await using job = await JobFixture.create();
    const { result } = await job.run([]);
    const path = join(job.workDir, "step-results.json");
    await writeStepResults(result, path);
    assert.equal((await stat(path)).mode & 0o007, 0);
    assert.equal(JSON.parse(await readFile(path, "utf8")).status, "success");
  });

  test("its reference shows no credentials", async () => {
    await using job = await JobFixture.create();
    const { result } = await job.run([{ name: "g", func: "http://user:sesame@127.0.0.1:9/p@v1" }], {
      sources: createFunctionSources({ cacheDir: job.cacheDir, limits: { timeoutMs: 5_000 } }),
    });
    assert.doesNotMatch(JSON.stringify(stepResultToJson(result)), /sesame/);
  });
});
