// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts under test are GitLab's, not templates
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluateExpression } from "./evaluate-expression.ts";

const variables: Record<string, string> = {
  BRANCH: "main",
  EMPTY: "",
  TAG: "v1.2.3",
  PATTERN: "/^v\\d+/",
  NOT_A_PATTERN: "main",
  PATH: "docs/intro.md",
  LINES: "a\nb",
};
const lookup = (name: string) => variables[name];

/** Source: GitLab documentation "CI/CD expressions" and lib/gitlab/ci/pipeline/expression. */
const cases: readonly [expression: string, expected: boolean][] = [
  ["$BRANCH", true],
  ["$EMPTY", false],
  ["$MISSING", false],
  ["${BRANCH} == 'main'", true],
  ['$BRANCH == "main"', true],
  ['$BRANCH != "main"', false],
  ['"main" == $BRANCH', true],
  ["$MISSING == null", true],
  ["$EMPTY == null", false],
  ['$EMPTY == ""', true],
  ['$MISSING == ""', false],
  ["$BRANCH != null", true],
  ["$BRANCH == $NOT_A_PATTERN", true],
  ["$TAG =~ /^v\\d/", true],
  ["$TAG !~ /^v\\d/", false],
  ["$TAG =~ /^V/", false],
  ["$TAG =~ /^V/i", true],
  ["$MISSING =~ /x/", false],
  ["$MISSING !~ /x/", true],
  ["$TAG =~ $PATTERN", true],
  ["$BRANCH =~ $PATTERN", false],
  ["$BRANCH =~ $NOT_A_PATTERN", false],
  ["$PATH =~ /docs\\/intro/", true],
  ["$LINES =~ /a.b/", false],
  ["$LINES =~ /a.b/s", true],
  ["$LINES =~ /^b$/m", true],
  ["$MISSING && $BRANCH || $TAG", true],
  ["$BRANCH || $MISSING && $EMPTY", true],
  ["($BRANCH || $TAG) && $EMPTY", false],
  ['($BRANCH == "main" && ($TAG =~ /^v/ || $MISSING)) && $PATH', true],
];

for (const [expression, expected] of cases) {
  test(`${expression} is ${expected}`, () => assert.equal(evaluateExpression(expression, lookup), expected));
}

for (const expression of ["", "$A ==", "== $A", "($A", "$A)", "$A $B", "$A & $B", "'open", "$A =~ /(/"]) {
  test(`"${expression}" is refused`, () =>
    assert.throws(() => evaluateExpression(expression, () => "x"), { name: "ExpressionError" }));
}

test("any combination of &&, || and parentheses agrees with plain booleans", () => {
  type Node = { text: string; value: boolean };
  const { tree } = fc.letrec<{ tree: Node }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.boolean().map((value) => ({ text: value ? "$BRANCH" : "$EMPTY", value })),
      fc
        .tuple(tie("tree"), tie("tree"))
        .map(([a, b]) => ({ text: `(${a.text}) && (${b.text})`, value: a.value && b.value })),
      fc
        .tuple(tie("tree"), tie("tree"))
        .map(([a, b]) => ({ text: `(${a.text}) || (${b.text})`, value: a.value || b.value })),
    ),
  }));
  fc.assert(fc.property(tree, ({ text, value }) => assert.equal(evaluateExpression(text, lookup), value)));
});
