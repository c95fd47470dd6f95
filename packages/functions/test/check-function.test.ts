import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import {
  checkFunction,
  createFunctionSources,
  FunctionError,
  loadFunction,
  printPlace,
  runFunction,
} from "../src/index.ts";
import { functionFile, JobFixture, shellFunction } from "./job-fixture.ts";

suite("checkFunction", () => {
  test("finds nothing wrong with a good function, by directory and by file", async () => {
    await using job = await JobFixture.create({
      "f/func.yml": functionFile(
        { inputs: { a: { type: "string" } } },
        { run: [{ name: "x", func: "../g", inputs: { v: "${{ inputs.a }}" } }] },
      ),
      "g/step.yml": shellFunction("true", { inputs: { v: { type: "string" } } }),
    });
    for (const path of ["f", "f/func.yml", "g"]) {
      const check = await checkFunction(join(job.workDir, path));
      assert.deepEqual(check.problems, []);
      assert.equal(check.path, join(job.workDir, path === "g" ? "g/step.yml" : "f/func.yml"));
    }
  });

  test("reports broken templates, missing functions and wrong inputs of local calls together", async () => {
    await using job = await JobFixture.create({
      "f/func.yml": functionFile(
        {},
        {
          env: { A: "${{ 1 + }}" },
          run: [
            { name: "a", script: "echo\n${{ for }}" },
            { name: "b", func: "./nowhere" },
            { name: "c", func: "../g", inputs: { w: 1 } },
            { name: "d", func: "../broken" },
          ],
          outputs: { o: { deep: ["${{ 'x }}"] } },
        },
      ),
      "g/func.yml": shellFunction("true", { inputs: { v: { type: "string" } } }),
      "broken/func.yml": "spec: {}\n",
    });
    const { problems } = await checkFunction(join(job.workDir, "f"));
    assert.deepEqual(
      problems.map(({ message }) => message.replace(/ \(looked in .*/, "")),
      [
        'env.A: parser: unexpected "}", expected an expression at 1:9',
        "outputs.o.deep[0]: parser: string not terminating at 1:5",
        'run[0].script: parser: "for" is a reserved word at 2:5',
        "run[1]: function ./nowhere: does not exist",
        'run[2]: ../g does not accept input "w"',
        'run[2]: ../g requires input "v"',
        'two documents separated by a line "---" are expected, the interface (spec) and the implementation (exec or run), found 1',
      ],
    );
    assert.equal(problems[0]?.place?.excerpt, "${{ 1 + }}\n        ^");
  });

  test("a file that cannot be read says where", async () => {
    await using job = await JobFixture.create({ "f/func.yml": "spec:\n  outputs: 5\n---\nrun: []\n" });
    const path = join(job.workDir, "f");
    const { problems, file } = await checkFunction(path);
    assert.equal(file, undefined);
    assert.equal(problems[0]?.place && printPlace(problems[0].place), `${path}/func.yml:2:12`);
    await assert.rejects(
      loadFunction(path),
      (error) => error instanceof FunctionError && error.code === "invalid_definition",
    );
    await assert.rejects(checkFunction(join(job.workDir, "none")), /does not exist/);
  });
});

suite("runFunction (ci-functions.md §9.1)", () => {
  const run = async (job: JobFixture, reference: string, inputs: string[]) => {
    const chunks: Uint8Array[] = [];
    const outcome = await runFunction({
      reference,
      inputs,
      workDir: job.workDir,
      env: { PATH: "/usr/bin:/bin" },
      sources: createFunctionSources({ cacheDir: job.cacheDir }),
      log: { write: (chunk) => void chunks.push(chunk) },
      signal: AbortSignal.timeout(10_000),
    });
    return { ...outcome, log: Buffer.concat(chunks).toString() };
  };

  test("reads inputs as YAML scalars and gives the outputs", async () => {
    await using job = await JobFixture.create({
      "f/func.yml": shellFunction(
        `echo '{"name":"o","value":\${{ inputs.n + 1 }}}' > \${{ output_file }}; echo \${{ inputs.s }}`,
        {
          inputs: { n: { type: "number" }, s: { type: "string", default: "" } },
          outputs: { o: { type: "number" } },
        },
      ),
    });
    for (const reference of ["./f", "f", join(job.workDir, "f")]) {
      const outcome = await run(job, reference, ["n=4", 's="5"']);
      assert.deepEqual(outcome.result.steps?.[0]?.outputs, { o: 5 });
      assert.equal(outcome.log, "Running step name=function\n5\n");
    }
    assert.match((await run(job, "./f", ['n="4"'])).error?.message ?? "", /declared as number, received string/);
    await assert.rejects(run(job, "./f", ["n"]), /must be written as name=value/);
  });
});
