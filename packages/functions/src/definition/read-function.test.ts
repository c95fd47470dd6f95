import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { FunctionError } from "../function-error.ts";
import { definitionError, printPlace, readFunctionText, readJobSteps } from "./read-function.ts";

const execForm = 'exec:\n  command: ["true"]\n';

/** First problem as `line:column: message`, by ci-functions.md §3. */
const refusals: readonly { name: string; text: string; problem: string }[] = [
  { name: "one document", text: "exec: {}", problem: '1:1: two documents separated by a line "---" are expected' },
  { name: "swapped documents", text: `${execForm}---\nspec: {}\n`, problem: '1:1: unknown key "exec", expected spec' },
  { name: "an unknown key", text: `spec:\n  input: {}\n---\n${execForm}`, problem: '2:3: spec: unknown key "input"' },
  {
    name: "an input without type",
    text: `spec:\n  inputs:\n    age:\n---\n${execForm}`,
    problem: "3:9: spec.inputs.age: type is missing",
  },
  {
    name: "an unknown type",
    text: `spec:\n  inputs:\n    age:\n      type: int\n---\n${execForm}`,
    problem: '4:13: spec.inputs.age.type: must be one of string, number, boolean, struct, array, found "int"',
  },
  {
    name: "a default of another type",
    text: `spec:\n  inputs:\n    age: {type: number, default: "5"}\n---\n${execForm}`,
    problem: "3:34: spec.inputs.age.default: default must be of the declared type number, found string",
  },
  {
    name: "a hyphen in a name",
    text: `spec:\n  inputs:\n    a-b: {type: number}\n---\n${execForm}`,
    problem: "3:10: spec.inputs.a-b: names consist of letters, digits and _",
  },
  {
    name: "another word than delegate",
    text: `spec: {outputs: all}\n---\n${execForm}`,
    problem: '1:17: spec.outputs: must be a map of outputs, or the word "delegate"',
  },
  { name: "both forms", text: `{}\n---\n${execForm}run: []\n`, problem: '3:1: only one of "exec" and "run"' },
  { name: "no form", text: "{}\n---\nenv: {}\n", problem: '3:1: one of "exec" and "run" must be given' },
  { name: "the form of 2024", text: "{}\n---\ntype: exec\nexec: {command: [a]}\n", problem: '3:1: unknown key "type"' },
  {
    name: "an empty command",
    text: "{}\n---\nexec: {command: []}\n",
    problem: "3:17: exec.command: must have at least",
  },
  {
    name: "a number in a command",
    text: "{}\n---\nexec:\n  command: [sleep, 5]\n",
    problem: "4:20: exec.command[1]: must be a string, found the number 5",
  },
  { name: "work_dir beside run", text: "{}\n---\nwork_dir: x\nrun: []\n", problem: '3:1: unknown key "work_dir"' },
  {
    name: "outputs of an exec form",
    text: `{}\n---\n${execForm}outputs: {}\n`,
    problem: '5:1: unknown key "outputs", expected exec, env',
  },
  {
    name: "delegate without a step",
    text: "spec: {outputs: delegate}\n---\nrun: []\n",
    problem: "3:1: delegate is missing",
  },
  { name: "broken YAML", text: "spec: [\n---\nx", problem: "2:1: cannot read YAML" },
  {
    name: "func and script together",
    text: "{}\n---\nrun:\n  - {name: a, func: ./x, script: y}\n",
    problem: '4:5: run[0]: "func" and "script" cannot be combined',
  },
  {
    name: "script with inputs",
    text: "{}\n---\nrun:\n  - {name: a, script: y, inputs: {}}\n",
    problem: '4:34: run[0].inputs: "script" and "inputs" cannot be combined',
  },
  {
    name: "an action",
    text: "{}\n---\nrun:\n  - {name: a, action: actions/checkout@v4}\n",
    problem: '4:23: run[0].action: "action" steps are not supported',
  },
  {
    name: "a git location without rev",
    text: "{}\n---\nrun:\n  - {name: a, func: {git: {url: x}}}\n",
    problem: "4:27: run[0].func.git: rev is missing",
  },
  {
    name: "two locations",
    text: "{}\n---\nrun:\n  - {name: a, func: {git: {}, oci: {}}}\n",
    problem: '4:21: run[0].func: exactly one of "git" and "oci"',
  },
  { name: "a step without name", text: "{}\n---\nrun: [{script: x}]\n", problem: "3:7: run[0]: name is missing" },
];

suite("definition files", () => {
  test("a whole file is read", () => {
    const { file, problems } = readFunctionText(
      `spec:
  inputs:
    who: {type: string, default: "\${{ not evaluated }}", sensitive: true, description: whom to greet}
    no_default: {type: number, default: null}
  outputs:
    greeting: {type: struct}
---
env: {LEVEL: 1, ON: true, NAME: 'x', EMPTY: }
exec:
  command: [echo, "\${{ inputs.who }}"]
  work_dir: "\${{ func_dir }}"
--- ignored: [
`,
      "func.yml",
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(file?.spec.inputs.get("who"), {
      type: "string",
      default: "${{ not evaluated }}",
      sensitive: true,
      description: "whom to greet",
    });
    assert.equal(file?.spec.inputs.get("no_default")?.default, undefined);
    assert.equal(file?.definition.form, "exec");
    assert.deepEqual(Object.fromEntries(file?.definition.env ?? []), { LEVEL: "1", ON: "true", NAME: "x", EMPTY: "" });
  });

  test("anchors and aliases work", () => {
    const { file, problems } = readFunctionText(
      "{}\n---\nenv: &e {A: b}\nrun:\n  - {name: a, script: x, env: *e}\n",
      "func.yml",
    );
    assert.deepEqual(problems, []);
    assert.equal(file?.definition.form === "run" && file.definition.steps[0]?.env.get("A"), "b");
  });

  for (const { name, text, problem } of refusals) {
    test(`${name} is refused, with its place`, () => {
      const { file, problems } = readFunctionText(text, "func.yml");
      const [first] = problems;
      assert.equal(file, undefined);
      const shown = `${first?.place?.line}:${first?.place?.column}: ${first?.message}`;
      assert.ok(shown.startsWith(problem), shown);
    });
  }

  test("all problems are reported together, each where an editor finds it", () => {
    const { problems } = readFunctionText("spec: {x: 1, y: 2}\n---\nexec: {}\n", "dir/func.yml");
    assert.equal(problems.length, 3);
    const error = definitionError(problems);
    assert.match(error.message, /^dir\/func\.yml:1:8: .*; dir\/func\.yml:1:14: .*; dir\/func\.yml:3:7: /);
    assert.equal(error.place && printPlace(error.place), "dir/func.yml:1:8");
    assert.equal(error.place?.excerpt, "spec: {x: 1, y: 2}\n       ^");
  });

  test("hostile aliases end in a problem", () => {
    const levels = Array.from({ length: 30 }, (_, at) => `  a${at + 1}: &a${at + 1} [*a${at}, *a${at}]`).join("\n");
    const text = `{}\n---\nrun: []\noutputs:\n  a0: &a0 [x]\n${levels}\n`;
    assert.match(readFunctionText(text, "func.yml").problems[0]?.message ?? "", /too many values/);
    assert.match(
      readFunctionText("{}\n---\nrun: []\noutputs: {a: &a [*a]}\n", "func.yml").problems[0]?.message ?? "",
      /nested too deeply|JSON/,
    );
  });

  test("any text is read or refused, never thrown over", () => {
    const words = fc.constantFrom(
      ..."spec:|inputs:|run:|exec:|command:|env:|---|- |  |\n|a|[|]|{|}|&x|*x|name:|func:|oci:|git:|,|type: string|!!binary|<<:".split(
        "|",
      ),
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 40 }), (parts) => {
        readFunctionText(parts.join(""), "func.yml");
      }),
      { numRuns: 1_000 },
    );
  });
});

suite("the job's own list", () => {
  test("is JSON text inside the payload, or the list itself", () => {
    const list = [{ name: "a", step: "./x", inputs: { n: { deep: [1, null] } }, env: { E: "1" } }];
    for (const steps of [list, JSON.stringify(list)]) {
      const [step] = readJobSteps(steps);
      assert.deepEqual(step?.inputs.get("n"), { deep: [1, null] });
      assert.equal(step?.env.get("E"), "1");
      assert.equal(step?.reference.kind, "path");
    }
  });

  const rows: readonly { name: string; steps: string | unknown[]; error: RegExp; code?: string }[] = [
    { name: "no JSON", steps: "- name: x", error: /no JSON/ },
    { name: "no list", steps: '{"name":"x"}', error: /run: must be a list, found a map/ },
    { name: "exec as an item", steps: [{ name: "a", exec: {} }], error: /unknown key "exec"/ },
    { name: "a bad name", steps: [{ name: "a-b", script: "x" }], error: /run\[0\]\.name: "a-b"/ },
    { name: "an action", steps: [{ name: "a", action: "x@y" }], error: /not supported/, code: "unsupported" },
  ];
  for (const { name, steps, error, code } of rows) {
    test(`${name} is refused`, () => {
      assert.throws(
        () => readJobSteps(steps),
        (thrown) =>
          thrown instanceof FunctionError &&
          thrown.code === (code ?? "invalid_definition") &&
          error.test(thrown.message),
      );
    });
  }
});
