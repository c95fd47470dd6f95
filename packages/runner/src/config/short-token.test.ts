import assert from "node:assert/strict";
import { test } from "node:test";
import { shortenToken } from "./short-token.ts";

const cases = [
  ["glrt-abcdefghijkl", "abcdefghi"],
  ["glrt-t1_abcdefghijkl", "abcdefghi"],
  ["t2_abcdefghijkl", "abcdefghi"],
  ["glrtr-abcdefghijkl", "abcdefghi"],
  ["glcbt-abcdefghijkl", "abcdefghi"],
  ["GR1348941abcdefghijkl", "abcdefghi"],
  ["glrt-x", "x"],
  ["abc", "abc"],
] as const;

for (const [token, short] of cases) {
  test(`${token} is shortened to ${short} (runner-protocol.md §1.2.3)`, () => {
    assert.equal(shortenToken(token), short);
  });
}
