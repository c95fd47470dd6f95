// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts under test are GitLab's, not templates
import assert from "node:assert/strict";
import { test } from "node:test";
import { expandFully, expandText, resolveVariables } from "./expand-variables.ts";
import { variable } from "./variable.ts";

const lookup = (name: string) => ({ A: "1", B: "$A" })[name];

const cases: readonly [text: string, expected: string][] = [
  ["$A ${A} %A%", "1 1 1"],
  ["$$A %%", "$$A %%"],
  ["$B", "$A"],
  ["$MISSING-${MISSING}", "$MISSING-${MISSING}"],
  ["no reference 100%", "no reference 100%"],
  ["$1", "$1"],
];
for (const [text, expected] of cases) {
  test(`"${text}" expands to "${expected}"`, () => assert.equal(expandText(text, lookup), expected));
}

test("a name that does not exist becomes empty where nobody expands later", () => {
  assert.equal(expandFully("a$MISSING-$A", lookup), "a-1");
});

test("variables refer to each other in any order; the last of a name wins", () => {
  const resolved = resolveVariables([
    variable("URL", "https://$HOST/$PATH_PART"),
    variable("HOST", "weak"),
    variable("PATH_PART", "${BASE}/x"),
    variable("BASE", "b"),
    variable("HOST", "strong"),
  ]);
  assert.equal(resolved.find(({ key }) => key === "URL")?.value, "https://strong/b/x");
  assert.deepEqual(
    resolved.map(({ key }) => key),
    ["URL", "PATH_PART", "BASE", "HOST"],
  );
});

test("what the runner must expand stays: raw and file variables, its own ones, circles", () => {
  const resolved = resolveVariables([
    variable("RAW", "$A", { raw: true }),
    variable("FILE", "content", { file: true }),
    variable("USES", "$RAW $FILE $CI_PROJECT_DIR"),
    variable("SELF", "$SELF:more"),
    variable("LEFT", "$RIGHT"),
    variable("RIGHT", "$LEFT"),
  ]);
  const value = (name: string) => resolved.find(({ key }) => key === name)?.value;
  assert.equal(value("RAW"), "$A");
  assert.equal(value("USES"), "$RAW $FILE $CI_PROJECT_DIR");
  assert.equal(value("SELF"), "$SELF:more");
  assert.match(`${value("LEFT")}`, /\$(LEFT|RIGHT)/);
});
