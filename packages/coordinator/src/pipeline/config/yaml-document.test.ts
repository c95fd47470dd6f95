import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfigYaml } from "./yaml-document.ts";

/** Source: Ruby's Psych, GitLab's parser. */
const scalars: readonly [text: string, value: unknown][] = [
  ["yes", true],
  ["On", true],
  ["off", false],
  ["y", "y"],
  ["N", "N"],
  ["1.10", 1.1],
  ["0755", 493],
  ['"1.10"', "1.10"],
  ["2020-01-01", "2020-01-01"],
  ["~", null],
];
for (const [text, value] of scalars) {
  test(`${text} is ${JSON.stringify(value)}`, () =>
    assert.deepEqual(parseConfigYaml(`a: ${text}`, "f"), [{ a: value }]));
}

test("merge keys, aliases and a header document are read; a mistake has a place", () => {
  assert.deepEqual(parseConfigYaml("x: &x { a: 1 }\ny: { <<: *x, b: 2 }", "f"), [{ x: { a: 1 }, y: { a: 1, b: 2 } }]);
  assert.equal(parseConfigYaml("spec: {}\n---\na: 1", "f").length, 2);
  assert.throws(() => parseConfigYaml("a: [", "f.yml"), {
    code: "config-invalid",
    message: /^f\.yml:\d+:\d+: not valid YAML/,
  });
});
