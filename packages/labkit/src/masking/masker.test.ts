import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createMasker } from "./masker.ts";

interface MaskingCase {
  name: string;
  phrases?: string[];
  input: string;
  expected: string;
}

const cases: MaskingCase[] = [
  { name: "a phrase", phrases: ["s3cret"], input: "a s3cret b", expected: "a [MASKED] b" },
  { name: "phrases that overlap leave nothing", phrases: ["abcd", "cdef"], input: "xabcdefx", expected: "x[MASKED]x" },
  { name: "a replacement is not searched", phrases: ["secret", "A"], input: "secret A", expected: "[MASKED] [MASKED]" },
  {
    name: "base64 of the phrase alone",
    phrases: ["s3cretvalue"],
    input: `x ${btoa("s3cretvalue")} y`,
    expected: "x [MASKED] y",
  },
  {
    name: "base64 with something before it",
    phrases: ["s3cretvalue"],
    input: btoa("u:s3cretvalue"),
    expected: "dT[MASKED]",
  },
  {
    name: "base64url",
    phrases: ["a?~b>>ccc"],
    input: Buffer.from("a?~b>>ccc").toString("base64url"),
    expected: "[MASKED]",
  },
  { name: "percent-encoded, upper case", phrases: ["p@ss/word"], input: "q=p%40ss%2Fword&", expected: "q=[MASKED]&" },
  {
    name: "percent-encoded, lower case and in part",
    phrases: ["p@ss/word"],
    input: "q=p%40ss/%77ord&",
    expected: "q=[MASKED]&",
  },
  { name: "form-encoded", phrases: ["pass word!"], input: "q=pass+word%21&", expected: "q=[MASKED]&" },
  {
    name: "percent-encoded base64",
    phrases: ["s3cret~~value"],
    input: encodeURIComponent(btoa("s3cret~~value")),
    expected: "[MASKED]",
  },
  { name: "beyond ASCII", phrases: ["пароль"], input: encodeURIComponent("=пароль="), expected: "%3D[MASKED]%3D" },
  {
    name: "a percent sign that encodes nothing",
    phrases: ["secret"],
    input: "100% secret %zz %ff",
    expected: "100% [MASKED] %zz %ff",
  },
  {
    name: "user and password in a URL",
    input: "git clone https://u:p@h/x",
    expected: "git clone https://[MASKED]@h/x",
  },
  { name: "a token as user of a URL", input: "https://tok@h", expected: "https://[MASKED]@h" },
  { name: "a password with an at sign", input: "https://u:p@ss@h/x", expected: "https://[MASKED]@h/x" },
  { name: "an address in a path is no credential", input: "https://h/a@b", expected: "https://h/a@b" },
  {
    name: "a secret URL parameter",
    input: "https://h/?X-Amz-Signature=ab&y=1",
    expected: "https://h/?X-Amz-Signature=[MASKED]&y=1",
  },
  { name: "a token", input: "glpat-abc glrt-x", expected: "glpat-[MASKED] glrt-[MASKED]" },
  { name: "an authorization header", input: "Authorization: Basic dTpw", expected: "Authorization: Basic [MASKED]" },
  { name: "a token header", input: "PRIVATE-TOKEN: abc, x", expected: "PRIVATE-TOKEN: [MASKED], x" },
  { name: "a bearer token", input: "got bearer eyJhbGciOi.J9 back", expected: "got bearer [MASKED] back" },
  {
    name: "ordinary text",
    phrases: ["s3cret"],
    input: "bearer of news, 5 + 5 = 10 & more?",
    expected: "bearer of news, 5 + 5 = 10 & more?",
  },
];

describe("the masker of spans and the runner log (telemetry.md §5)", () => {
  for (const { name, phrases, input, expected } of cases) {
    test(name, () => assert.equal(createMasker({ phrases: phrases ?? [] }).mask(input), expected));
  }

  test("no phrase survives in any encoding, whatever is around it", () => {
    const secret = fc.string({ minLength: 6, maxLength: 30, unit: "grapheme" }).filter((text) => text.trim() === text);
    const encode = fc.constantFrom<(text: string) => string>(
      (text) => text,
      (text) => encodeURIComponent(text),
      (text) => Buffer.from(text).toString("base64"),
      (text) => Buffer.from(text).toString("base64url"),
      (text) => new URLSearchParams([["q", text]]).toString(),
    );
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), encode, (phrase, before, after, encoded) => {
        const clear = `${before}${phrase}${after}`;
        fc.pre(clear.isWellFormed());
        const masked = createMasker({ phrases: [phrase] }).mask(encoded(clear));
        for (const rest of masked.split("[MASKED]")) {
          for (const form of [rest, tryDecode(rest), Buffer.from(rest, "base64").toString()]) {
            assert.ok(!form.includes(phrase), `${JSON.stringify(phrase)} is left in ${masked}`);
          }
        }
        assert.ok(masked.includes("[MASKED]"));
      }),
      { numRuns: 1_000 },
    );
  });

  test("a phrase is masked from when it is added until it is disposed of", () => {
    const masker = createMasker({ phrases: [] });
    const first = masker.add(["job-secret"]);
    const second = masker.add(["job-secret"]);
    first[Symbol.dispose]();
    assert.equal(masker.mask("job-secret"), "[MASKED]");
    second[Symbol.dispose]();
    assert.equal(masker.mask("job-secret"), "job-secret");
  });

  test("replacements are counted", () => {
    const masker = createMasker({ phrases: ["secret"] });
    masker.mask("secret, secret and glpat-x");
    assert.equal(masker.maskedCount, 3);
  });

  test("hostile text takes time in proportion to its length", () => {
    const masker = createMasker({ phrases: ["secret"] });
    const texts = [
      "://".repeat(50_000),
      "a".repeat(200_000),
      "bearer ".repeat(30_000),
      "authorization".repeat(20_000),
      "%41".repeat(60_000),
    ];
    const startedAt = performance.now();
    for (const text of texts) masker.mask(text);
    assert.ok(performance.now() - startedAt < 5_000);
  });
});

function tryDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return "";
  }
}
