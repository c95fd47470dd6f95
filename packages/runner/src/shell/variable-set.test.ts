import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { expandVariables } from "./expand-variables.ts";
import { createVariableSet, plainVariable } from "./variable-set.ts";

const known: Readonly<Record<string, string>> = { A: "1", LONG_NAME: "2", REF: "$A" };

/** Source of all: runner-protocol.md §3.2, and Go's `os.Expand` that it describes. */
const expansions = [
  { name: "a name", input: "x$A.y", expected: "x1.y" },
  { name: "a name in braces", input: `\${A}B`, expected: "1B" },
  { name: "the longest name", input: "$LONG_NAMEX-$LONG_NAME", expected: "-2" },
  { name: "an unknown name", input: "[$NOPE]", expected: "[]" },
  { name: "a reference inside a value stays", input: "$REF", expected: "$A" },
  { name: "two dollars", input: "$$A", expected: "$A" },
  { name: "parameters of the shell", input: "[$0$9$*$#$@$!$?]", expected: "[]" },
  { name: "a parameter in braces", input: `[\${?}\${$}]`, expected: "[$]" },
  { name: "a dollar at the end", input: "50$", expected: "50$" },
  { name: "a dollar before a blank", input: "$ A", expected: "$ A" },
  { name: "a shell's default is no name", input: `[\${A:-x}]`, expected: "[]" },
  { name: "empty braces", input: `[\${}]`, expected: "[]" },
  { name: "braces left open", input: `[\${A`, expected: "[A" },
];

describe("expanding variables", () => {
  for (const { name, input, expected } of expansions) {
    test(name, () =>
      assert.equal(
        expandVariables(input, (key) => known[key]),
        expected,
      ),
    );
  }

  test("a text without a dollar stays as it is", () => {
    const property = fc.property(fc.string(), (text) => {
      const plain = text.replaceAll("$", "");
      assert.equal(
        expandVariables(plain, (key) => known[key]),
        plain,
      );
    });
    fc.assert(property);
  });
});

describe("a set of variables", () => {
  const expanded = { isRaw: false };

  test("the last entry of a key wins, in its place", () => {
    const set = createVariableSet([plainVariable("A", "1"), plainVariable("B", "2"), plainVariable("A", "3")], "/t");
    assert.deepEqual(
      set.entries.map(({ key, value }) => `${key}=${value}`),
      ["B=2", "A=3"],
    );
  });

  test("values are expanded once against the unexpanded values, raw ones not at all", () => {
    const set = createVariableSet(
      [
        { ...plainVariable("A", "$B"), ...expanded },
        { ...plainVariable("B", "$C"), ...expanded },
        plainVariable("C", "c"),
        plainVariable("RAW", "$C"),
      ],
      "/t",
    );
    assert.equal(set.valueOf("A"), "$C");
    assert.equal(set.valueOf("B"), "c");
    assert.equal(set.valueOf("RAW"), "$C");
  });

  test("a reference to a file variable gives its path", () => {
    const file = { ...plainVariable("KEY", "secret"), isFile: true };
    const set = createVariableSet([file, { ...plainVariable("USES", "-i $KEY"), ...expanded }], "/p.tmp");
    assert.equal(set.valueOf("USES"), "-i /p.tmp/KEY");
    assert.equal(set.valueOf("KEY"), "secret");
    assert.equal(set.processValueOf("KEY"), "/p.tmp/KEY");
  });
});
