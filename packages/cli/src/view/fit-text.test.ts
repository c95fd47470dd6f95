import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import stringWidth from "string-width";
import { cutText, fitText, plainText } from "./fit-text.ts";

const cuts: readonly { name: string; text: string; width: number; expected: string }[] = [
  { name: "text that fits stays", text: "build", width: 5, expected: "build" },
  { name: "longer text ends with an ellipsis", text: "restore_cache", width: 8, expected: "restore…" },
  { name: "a wide character is not cut in two", text: "日本語", width: 4, expected: "日…" },
  { name: "nothing fits into nothing", text: "build", width: 0, expected: "" },
];
for (const { name, text, width, expected } of cuts) test(name, () => assert.equal(cutText(text, width), expected));

const plains: readonly { name: string; text: string; expected: string }[] = [
  { name: "a colour goes", text: "\u001b[31;1mred\u001b[0;m", expected: "red" },
  { name: "a window title goes", text: "\u001b]0;owned\u0007job", expected: "job" },
  { name: "a link goes, its text stays", text: "\u001b]8;;http://a\u001b\\text\u001b]8;;\u001b\\", expected: "text" },
  { name: "a cut escape sequence loses its escape character", text: "a\u001b[", expected: "a[" },
  { name: "line feeds and bells go", text: "a\nb\u0007", expected: "ab" },
  { name: "a C1 control goes", text: "a\u009b31mb", expected: "a31mb" },
];
for (const { name, text, expected } of plains) test(name, () => assert.equal(plainText(text), expected));

test("fitted text is exactly as wide as asked", () => {
  const texts = fc.string({ unit: "grapheme", maxLength: 40 }).map(plainText);
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 30 }), (text, width) => stringWidth(fitText(text, width)) === width),
  );
});

test("no text keeps a control character", () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be gone
  const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/;
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !controls.test(plainText(text))));
});
