import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesAny } from "./check-image.ts";

/** Source: runner-protocol.md §4.7. */
const cases = [
  { pattern: "ruby:*", image: "ruby:3.4", matches: true },
  { pattern: "ruby:*", image: "ruby", matches: true },
  { pattern: "ruby:*", image: "group/ruby:3", matches: false },
  { pattern: "registry.example.com:5000/group/*", image: "registry.example.com:5000/group/tool:1", matches: true },
  { pattern: "registry.example.com:5000/group/*", image: "registry.example.com:5000/group/sub/tool:1", matches: false },
  { pattern: "registry.example.com:5000/**", image: "registry.example.com:5000/group/sub/tool:1", matches: true },
  { pattern: "group**", image: "group/tool:1", matches: false },
  { pattern: "{ruby,python}:3*", image: "python:3.14", matches: true },
  { pattern: "!evil/*", image: "good/tool:1", matches: false },
  { pattern: "!(evil)/*", image: "good/tool:1", matches: false },
];

for (const { pattern, image, matches } of cases) {
  test(`the pattern ${pattern} ${matches ? "allows" : "does not allow"} the image ${image}`, () => {
    assert.equal(matchesAny(image, [pattern]), matches);
  });
}
