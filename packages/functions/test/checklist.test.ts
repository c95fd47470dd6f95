import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { stepResultToJson } from "../src/index.ts";
import { FakeRegistry, layerOf } from "./fake-registry.ts";
import { functionFile, JobFixture, shellFunction } from "./job-fixture.ts";

const string = { type: "string" };
const out = "${{ output_file }}";
const echo = functionFile({ inputs: { v: string } }, { exec: { command: ["echo", "${{ inputs.v }}"] } });

/** One item of ci-functions.md §12.1, as a job: the lines its commands print, or the error it fails with. */
interface Item {
  readonly item: string;
  readonly steps: string | object[];
  readonly files?: Readonly<Record<string, string>>;
  readonly vars?: Readonly<Record<string, string>>;
  readonly lines?: readonly string[];
  readonly error?: RegExp;
}

const items: readonly Item[] = [
  { item: "1 run is a string with JSON inside", steps: '[{"name":"a","script":"echo a"}]', lines: ["a"] },
  {
    item: "2 the end of ${{ }} is found by parsing",
    files: { "e/func.yml": echo },
    steps: [{ name: "a", func: "./e", inputs: { v: '${{ "}}" + str({a:{b:1}}) }}' } }],
    lines: ['}}{"a": {"b": 1}}'],
  },
  {
    item: "3 one expression keeps its type, a blank more makes a string of a string only",
    files: { "n/func.yml": shellFunction("echo ${{ inputs.n + 1 }}", { inputs: { n: { type: "number" } } }) },
    steps: [
      { name: "a", func: "./n", inputs: { n: "${{ 1 }}" } },
      { name: "b", func: "./n", inputs: { n: "${{ 1 }}\n" } },
      { name: "c", func: "./n", inputs: { n: "x${{ 1 }}" } },
    ],
    error: /step "c": .*declared as number, received string/,
  },
  {
    item: "4 inputs and env are evaluated in the caller's context",
    files: { "e/func.yml": echo },
    steps: [{ name: "a", func: "./e", env: { X: "inner" }, inputs: { v: "${{ env.X || 'outer' }}" } }],
    lines: ["outer"],
  },
  {
    item: "5 inserted values are not evaluated again",
    vars: { T: "${{ vars.T }}" },
    files: { "e/func.yml": echo },
    steps: [{ name: "a", func: "./e", inputs: { v: "${{ vars.T }}" } }],
    lines: ["${{ vars.T }}"],
  },
  {
    item: "6 job variables are not in the environment",
    vars: { V: "v" },
    steps: [{ name: "a", script: "echo [$V]" }],
    lines: ["[]"],
  },
  {
    item: "8 only .yml marks a file name",
    files: { "f.yaml/func.yml": shellFunction("echo in a directory") },
    steps: [{ name: "a", func: "./f.yaml" }],
    lines: ["in a directory"],
  },
  {
    item: "9 exec.command has no shell",
    files: { "f/func.yml": functionFile({}, { exec: { command: ["echo", "*", "$HOME", "&&", "false"] } }) },
    steps: [{ name: "a", func: "./f" }],
    lines: ["* $HOME && false"],
  },
  {
    item: "10 script text is templated first, without quoting",
    vars: { V: "a; echo b" },
    steps: [{ name: "a", script: "echo ${{ vars.V }}" }],
    lines: ["a", "b"],
  },
  {
    item: "11 exports apply only when command and outputs succeeded",
    files: {
      "f/func.yml": shellFunction(
        `echo '{"name":"X","value":"1"}' > \${{ export_file }}; echo '{"name":"y","value":1}' > ${out}`,
      ),
    },
    steps: [{ name: "a", func: "./f" }],
    error: /output file: key "y": unexpected output/,
  },
  {
    item: "12 both files are JSON lines, the last duplicate wins",
    files: {
      "f/func.yml": shellFunction(
        `printf '{"name":"o","value":"1"}\\n{"name":"o","value":"2"}\\n' > ${out}; printf '{"name":"E","value":1}\\n{"name":"E","value":2}' > \${{ export_file }}`,
        { outputs: { o: string } },
      ),
    },
    steps: [
      { name: "a", func: "./f" },
      { name: "b", script: "echo ${{ steps.a.outputs.o }} $E" },
    ],
    lines: ["2 2"],
  },
  {
    item: "12 plain k=v is an error",
    files: { "f/func.yml": shellFunction(`echo k=v > ${out}`) },
    steps: [{ name: "a", func: "./f" }],
    error: /failed to unmarshal JSON at line 1/,
  },
  {
    item: "13 numbers in exports have no exponent",
    files: { "f/func.yml": shellFunction(`echo '{"name":"E","value":1e21}' > \${{ export_file }}`) },
    steps: [
      { name: "a", func: "./f" },
      { name: "b", script: "echo $E" },
    ],
    lines: ["1000000000000000000000"],
  },
  {
    item: "14 exports override the base, not explicit env",
    files: { "f/func.yml": shellFunction(`echo '{"name":"BASE","value":"exported"}' > \${{ export_file }}`) },
    steps: [
      { name: "a", func: "./f" },
      { name: "b", script: "echo $BASE" },
      { name: "c", script: "echo $BASE", env: { BASE: "explicit" } },
    ],
    lines: ["exported", "explicit"],
  },
  {
    item: "15 a default is literal",
    files: {
      "f/func.yml": shellFunction("echo '${{ inputs.v }}'", { inputs: { v: { type: "string", default: "${{ 1 }}" } } }),
    },
    steps: [{ name: "a", func: "./f" }],
    lines: ["${{ 1 }}"],
  },
  {
    item: "15 null is no default",
    files: { "f/func.yml": shellFunction("true", { inputs: { v: { type: "string", default: null } } }) },
    steps: [{ name: "a", func: "./f" }],
    error: /input "v" required, but not defined/,
  },
  {
    item: "18 a failed step ends the list, and every enclosing one",
    files: {
      "f/func.yml": functionFile(
        {},
        {
          run: [
            { name: "x", script: "exit 2" },
            { name: "y", script: "echo y" },
          ],
        },
      ),
    },
    steps: [
      { name: "a", func: "./f" },
      { name: "b", script: "echo b" },
    ],
    error: /^step "a": step "x": exec: exit code 2$/,
  },
  {
    item: "19 string order is by code point",
    steps: [{ name: "a", script: "echo ${{ '\uff5e' < '😀' }}" }],
    lines: ["true"],
  },
  { item: "20 % has the sign of the dividend", steps: [{ name: "a", script: "echo ${{ -7 % 3 }}" }], lines: ["-1"] },
  {
    item: "20 / 0 is an error",
    steps: [{ name: "a", script: "echo ${{ 1 / 0 }}" }],
    error: /"1 \/ 0": division by zero/,
  },
  {
    item: '21 "false" and "0" are truthy',
    steps: [{ name: "a", script: `echo \${{ "false" && "0" && "yes" }}` }],
    lines: ["yes"],
  },
  {
    item: "22 steps.x exposes outputs only",
    steps: [
      { name: "a", script: "true" },
      { name: "b", script: "echo ${{ steps.a.status }}" },
    ],
    error: /"\.status": attribute not found \(there are: outputs\)/,
  },
  {
    item: "23 only own properties are looked up",
    steps: [{ name: "a", script: "${{ vars.constructor || vars.__proto__ || 'echo none' }}" }],
    lines: ["none"],
  },
];

suite("easy to get wrong (ci-functions.md §12.1)", () => {
  for (const { item, steps, files, vars, lines, error } of items) {
    test(item, async () => {
      await using job = await JobFixture.create(files);
      const outcome = await job.run(steps, { vars: vars ?? {} });
      if (error !== undefined) assert.match(outcome.error?.message ?? "no error", error);
      else assert.equal(outcome.error, undefined);
      if (lines !== undefined)
        assert.deepEqual(
          outcome.lines.filter((line) => !line.startsWith("Running step name=")),
          lines,
        );
    });
  }

  // 7 short Git references look below steps/: git.test.ts; 16 `files` maps destination to source: build-and-publish.test.ts;
  // 25 a digest reference is no Git reference: parse-reference.test.ts

  test("17 zero values are absent in the JSON result", async () => {
    await using job = await JobFixture.create();
    const { result } = await job.run([{ name: "a", script: "true" }]);
    const [step] = stepResultToJson(result)["subStepResults"] as { execResult: object }[];
    assert.equal("exitCode" in (step?.execResult ?? {}), false);
    assert.equal("outputs" in (step ?? {}), false);
  });

  test("24 layers with zstd and GitLab's media type are read", async () => {
    await using registry = await FakeRegistry.start();
    await using job = await JobFixture.create();
    registry.addIndex("fn", "1", {
      "generic/generic": [await layerOf([{ name: "func.yml", content: shellFunction("echo layered") }])],
    });
    assert.deepEqual(await job.output([{ name: "a", func: `${registry.host}/fn:1` }]), ["layered"]);
  });
});
