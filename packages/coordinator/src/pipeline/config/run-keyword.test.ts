import assert from "node:assert/strict";
import { test } from "node:test";
import { CoordinatorError } from "../../coordinator-error.ts";
import type { PlainObject } from "./plain-object.ts";
import { readConfig } from "./read-config.ts";

function read(job: PlainObject, defaults: PlainObject = {}) {
  const jobs = new Map([["job", job]]);
  const expanded = { pipelineStages: ["test"], default: defaults, variables: {}, workflow: {}, jobs };
  return readConfig(expanded, "ci.yml").jobs[0];
}

test("a list of steps passes as it is", () => {
  const run = [
    { name: "a", func: "./x", inputs: { list: [[1], [2]], none: null }, env: { A: "1" } },
    { name: "b", step: { git: { url: "example.com/x", rev: "v1" } } },
    { name: "c", script: "echo", env: {} },
  ];
  assert.deepEqual(read({ run })?.run, run);
});

test("scripts of default: do not reach a job with run", () => {
  const job = read({ run: [{ name: "a", script: "x" }] }, { before_script: ["b"], after_script: ["a"], tags: ["t"] });
  assert.deepEqual([job?.beforeScript, job?.afterScript, job?.tags], [[], [], ["t"]]);
});

/** Source: ci-functions.md §1.1, §1.2, §1.3. */
const refused: readonly { job: PlainObject; says: string }[] = [
  { job: { run: "echo" }, says: "run: expected a list of steps" },
  { job: { run: ["echo"] }, says: "run: [1]: expected a step: a mapping with name, and func or script" },
  { job: { run: [{ script: "x" }] }, says: "run: [1].name: expected a name" },
  {
    job: { run: [{ name: "a-b", script: "x" }] },
    says: "run: [1].name: expected letters, digits and _, and no digit in front",
  },
  { job: { run: [{ name: "a" }] }, says: "run: [1]: expected exactly one of func and script, found neither" },
  {
    job: { run: [{ name: "a", script: "x", func: "./f" }] },
    says: "run: [1]: expected exactly one of func and script, found func and script",
  },
  { job: { run: [{ name: "a", script: ["x"] }] }, says: "run: [1].script: expected one text" },
  { job: { run: [{ name: "a", script: "x", inputs: {} }] }, says: "run: [1].inputs: a script step takes no inputs" },
  {
    job: { run: [{ name: "a", action: "x@1" }] },
    says: "run: [1].action: action steps are not supported; call a function with func",
  },
  { job: { run: [{ name: "a", script: "x", when: "always" }] }, says: 'run: [1]: unknown keyword "when"' },
  {
    job: { run: [{ name: "a", script: "x", env: { N: 1 } }] },
    says: "run: [1].env.N: expected a text; put numbers and booleans in quotes",
  },
  { job: { run: [{ name: "a", script: "x" }], script: "y" }, says: '"run" cannot be used together with "script"' },
  {
    job: { run: [{ name: "a", script: "x" }], before_script: ["y"], after_script: ["z"] },
    says: '"run" cannot be used together with "before_script", "after_script"',
  },
];

for (const { job, says } of refused) {
  test(`a job with ${JSON.stringify(job)} is refused`, () => {
    assert.throws(
      () => read(job),
      (error) => error instanceof CoordinatorError && error.message === `ci.yml: job "job": ${says}`,
    );
  });
}
