import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Quote, quoteForBash, quoteForPosix } from "./quote.ts";

const shells: readonly { readonly shell: string; readonly quote: Quote }[] = [
  { shell: "bash", quote: quoteForBash },
  { shell: "bash", quote: quoteForPosix },
  { shell: "sh", quote: quoteForPosix },
];

/** Any text that a variable of a process can hold. */
const text = fc.string({ unit: "binary", maxLength: 40 }).map((value) => value.replaceAll("\0", "").toWellFormed());

describe("quoting", () => {
  for (const { shell, quote } of shells) {
    test(`${quote === quoteForBash ? "for bash" : "for POSIX"}: ${shell} reads every text back as it was`, () => {
      // One process for many texts: each is printed with a NUL after it.
      const property = fc.property(fc.array(text, { minLength: 1, maxLength: 60 }), (texts) => {
        const script = texts.map((value) => `printf '%s\\0' ${quote(value)}`).join("\n");
        const output = execFileSync(shell, { input: script, env: { LC_ALL: "C" } }).toString();
        assert.deepEqual(output.split("\0").slice(0, -1), texts);
      });
      fc.assert(property, { numRuns: 25 });
    });
  }

  test("a text for bash is printable ASCII whatever is in it", () => {
    fc.assert(fc.property(text, (value) => /^[\x20-\x7e]*$/.test(quoteForBash(value))));
  });

  const cases = [
    { text: "", bash: "''" },
    { text: "a-b_c/d.e@f,9", bash: "a-b_c/d.e@f,9" },
    { text: "two words", bash: "$'two words'" },
    { text: "it's", bash: "$'it\\'s'" },
    { text: "\x1b[0Kü\n\\", bash: "$'\\x1b[0K\\xc3\\xbc\\n\\\\'" },
    { text: "$HOME `id`", bash: "$'$HOME `id`'" },
  ];
  for (const { text: value, bash } of cases) {
    test(`${JSON.stringify(value)} is ${bash} (runner-protocol.md §3.1)`, () =>
      assert.equal(quoteForBash(value), bash));
  }

  test("a NUL, which no variable can hold, is left out", () => {
    assert.equal(quoteForBash("a b\0c"), "$'a bc'");
    assert.equal(quoteForPosix("a b\0c"), "'a bc'");
  });
});
