import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseVariables, type VariableFlags } from "./parse-variable.ts";

const environment = { TOKEN: "from the environment" };

const cases: readonly { name: string; flags: VariableFlags; expected: unknown }[] = [
  { name: "KEY=VALUE", flags: { variable: ["A=b"] }, expected: [{ key: "A", value: "b" }] },
  { name: "a value with = in it", flags: { variable: ["A=b=c"] }, expected: [{ key: "A", value: "b=c" }] },
  { name: "an empty value", flags: { variable: ["A="] }, expected: [{ key: "A", value: "" }] },
  {
    name: "KEY alone",
    flags: { maskedVariable: ["TOKEN"] },
    expected: [{ key: "TOKEN", value: "from the environment", masked: true }],
  },
];
for (const { name, flags, expected } of cases) {
  test(`${name} makes a variable`, () => assert.deepEqual(parseVariables(flags, environment), expected));
}

const mistakes: readonly { flags: VariableFlags; message: RegExp }[] = [
  { flags: { variable: ["MISSING"] }, message: /--variable MISSING: the environment has no variable of that name/ },
  { flags: { maskedVariable: ["1A=s3cret"] }, message: /^--masked-variable: "1A" is no variable name[^3]*$/ },
  { flags: { fileVariable: ["KEY"] }, message: /--file-variable KEY: expected KEY=PATH/ },
  {
    flags: { fileVariable: ["KEY=/nowhere/at/all"] },
    message: /--file-variable KEY: \/nowhere\/at\/all cannot be read/,
  },
];
for (const { flags, message } of mistakes) {
  test(`${JSON.stringify(flags)} is refused and says why`, () => {
    assert.throws(() => parseVariables(flags, environment), { name: "CommandError", message });
  });
}

test("a file variable has the content of its file", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "jobscope-test-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "key"), "line 1\nline 2\n");
  const [variable] = parseVariables({ fileVariable: [`KEY=${join(directory, "key")}`] }, environment);
  assert.deepEqual(variable, { key: "KEY", value: "line 1\nline 2\n", file: true });
});
