import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createLogMasker } from "./log-masker.ts";
import type { MaskRules } from "./rules.ts";

const source = "runner-protocol.md §2.9";

interface MaskingCase {
  name: string;
  rules?: Partial<MaskRules>;
  input: string;
  expected: string;
}

const cases: MaskingCase[] = [
  { name: "a phrase is replaced", rules: { phrases: ["s3cret"] }, input: "a s3cret b", expected: "a [MASKED] b" },
  { name: "a phrase is trimmed", rules: { phrases: ["  s3cret\n"] }, input: "s3cret", expected: "[MASKED]" },
  { name: "blank phrases are ignored", rules: { phrases: ["", "  "] }, input: "a  b", expected: "a  b" },
  {
    name: "the longest phrase comes first",
    rules: { phrases: ["abc", "abcdef"] },
    input: "abcdefabc",
    expected: "[MASKED][MASKED]",
  },
  { name: "one character is a phrase", rules: { phrases: ["A"] }, input: "BAB", expected: "B[MASKED]B" },
  {
    name: "a replacement is not searched",
    rules: { phrases: ["secret", "A"] },
    input: "secret A",
    expected: "[MASKED] [MASKED]",
  },
  {
    name: "a phrase of several lines needs the same bytes",
    rules: { phrases: ["a\nb"] },
    input: "a\nb a\r\nb",
    expected: "[MASKED] a\r\nb",
  },
  { name: "a phrase beyond ASCII", rules: { phrases: ["пароль"] }, input: "x пароль y", expected: "x [MASKED] y" },
  { name: "adjacent phrases", rules: { phrases: ["aab"] }, input: "aaabaab", expected: "a[MASKED][MASKED]" },
  {
    name: "a secret URL parameter",
    input: "http://h/?private_token=abc&x=1",
    expected: "http://h/?private_token=[MASKED]&x=1",
  },
  {
    name: "a parameter's letter case does not matter",
    input: "?X-AMZ-sigNATure=abc z",
    expected: "?X-AMZ-sigNATure=[MASKED] z",
  },
  {
    name: "an empty value is masked",
    input: "?rss_token=&authenticity_token=",
    expected: "?rss_token=[MASKED]&authenticity_token=[MASKED]",
  },
  {
    name: "a value ends at a control character",
    input: "?x-amz-credential=ab\bc",
    expected: "?x-amz-credential=[MASKED]\bc",
  },
  {
    name: "a value ends at a question mark",
    input: "?private_token=a??private_token=b",
    expected: "?private_token=[MASKED]??private_token=[MASKED]",
  },
  { name: "a name without ? or & is not a parameter", input: "private_token=abc", expected: "private_token=abc" },
  { name: "a longer name is not a secret one", input: "?private_token_x=abc", expected: "?private_token_x=abc" },
  {
    name: "a phrase inside a secret value",
    rules: { phrases: ["abc"] },
    input: "?rss_token=1abc2 z",
    expected: "?rss_token=[MASKED] z",
  },
  { name: "a token keeps its prefix", input: "x glpat-a.b_c=d-e z", expected: "x glpat-[MASKED] z" },
  { name: "a prefix alone stays", input: "glpat- x glpat-", expected: "glpat- x glpat-" },
  { name: "a prefix that begins twice", input: "glglpat-x", expected: "glglpat-[MASKED]" },
  { name: "a token inside a token", input: "glpat-aglrt-b c", expected: "glpat-[MASKED] c" },
  { name: "the session cookie", input: "_gitlab_session=0af; x", expected: "_gitlab_session=[MASKED]; x" },
  {
    name: "a prefix of the payload",
    rules: { tokenPrefixes: [" acme- "] },
    input: "acme-1 glpat-2",
    expected: "acme-[MASKED] glpat-[MASKED]",
  },
  {
    name: "of two prefixes at the same place the shorter wins",
    rules: { tokenPrefixes: ["glpat-x"] },
    input: "glpat-xy glpat-x z",
    expected: "glpat-[MASKED] glpat-[MASKED] z",
  },
  {
    name: "a shorter prefix without a token leaves the place to the longer one",
    rules: { tokenPrefixes: ["tok", "tok:x-"] },
    input: "tok:x-1 tok:x- tok",
    expected: "tok:x-[MASKED] tok:x- tok",
  },
  {
    name: "only glpat- with the flag off",
    rules: { defaultTokenPrefixes: "glpat-only" },
    input: "glrt-a glpat-a",
    expected: "glrt-a glpat-[MASKED]",
  },
  {
    name: "a phrase after a prefix",
    rules: { phrases: ["abc"] },
    input: "glpat-abcdef z",
    expected: "glpat-[MASKED] z",
  },
  {
    name: "only the 15 shortest prefixes are active",
    rules: { tokenPrefixes: ["a-", "a-very-long-prefix-"] },
    input: "a-1 b a-very-long-prefix-2 _gitlab_session=3",
    expected: "a-[MASKED] b a-[MASKED] _gitlab_session=[MASKED]",
  },
  {
    name: "the sixteenth prefix is dropped",
    rules: { tokenPrefixes: ["b-", "c-very-long-prefix-"] },
    input: "c-very-long-prefix-2",
    expected: "c-very-long-prefix-2",
  },
];

describe(`the job log's masker (${source})`, () => {
  for (const { name, rules, input, expected } of cases) {
    test(`${name}, wherever the chunks are cut`, () => {
      const bytes = Buffer.from(input);
      for (let cut = 0; cut <= bytes.length; cut++) {
        assert.equal(maskAll({ phrases: [], ...rules }, [bytes.subarray(0, cut), bytes.subarray(cut)]), expected);
      }
      assert.equal(maskAll({ phrases: [], ...rules }, singleBytes(bytes)), expected);
    });
  }

  test("any cutting gives the same bytes, and no phrase is left between the replacements", () => {
    const piece = fc.constantFrom(
      "a",
      "b",
      "ab",
      "\n",
      "?",
      "&",
      "=",
      "glpat-",
      "gl",
      "glrt",
      "private_token",
      " ",
      "é",
    );
    const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));
    const phrases = fc.array(
      fc
        .array(fc.constantFrom("a", "b", "?", "gl", "é"), { minLength: 1, maxLength: 5 })
        .map((letters) => letters.join("")),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(text, phrases, fc.array(fc.nat(80), { maxLength: 8 }), (input, secrets, cuts) => {
        const bytes = Buffer.from(input);
        const rules = { phrases: secrets, tokenPrefixes: ["b?"] };
        const whole = maskAll(rules, [bytes]);
        assert.equal(maskAll(rules, cutAt(bytes, cuts)), whole);
        assert.equal(maskAll(rules, singleBytes(bytes)), whole);
        for (const rest of whole.split("[MASKED]")) {
          for (const secret of secrets) assert.ok(!rest.includes(secret), `${secret} is left in ${whole}`);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("bytes that are no text pass unchanged", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const masker = createLogMasker({ phrases: ["a phrase that does not occur"] });
        const out = Buffer.concat([masker.write(bytes), masker.end()]);
        assert.deepEqual(out, Buffer.from(bytes));
      }),
    );
  });

  test("what is held back survives the reuse of the chunk's memory", () => {
    const masker = createLogMasker({ phrases: ["secret"] });
    const chunk = Buffer.from("xx sec");
    const first = Buffer.from(masker.write(chunk));
    chunk.fill("?");
    assert.equal(
      `${first}${Buffer.from(masker.write(Buffer.from("urity")))}${masker.end()}`.slice(0, 11),
      "xx security",
    );
  });

  test("a line without the beginning of a secret is passed on at once", () => {
    const masker = createLogMasker({ phrases: ["secret"] });
    assert.equal(Buffer.from(masker.write(Buffer.from("a line\n"))).toString(), "a line\n");
  });

  test("replacements are counted", () => {
    const masker = createLogMasker({ phrases: ["secret"] });
    masker.write(Buffer.from("secret glpat-1 secret"));
    masker.end();
    assert.equal(masker.maskedCount, 3);
  });
});

function maskAll(rules: MaskRules, chunks: readonly Uint8Array[]): string {
  const masker = createLogMasker(rules);
  return Buffer.concat([...chunks.map((chunk) => masker.write(chunk)), masker.end()]).toString();
}

function singleBytes(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.filter((cut) => cut < bytes.length), bytes.length].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}
