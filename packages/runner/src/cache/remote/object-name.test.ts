import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { remoteObjectName } from "./object-name.ts";

const usual = { path: "", shortRunnerToken: "abc", projectId: 7, key: "npm", isHashed: false };
const digest = "3a5e4f";

/** Source: runner-protocol.md §3.7. */
const names = [
  { change: {}, name: "runner/abc/project/7/npm" },
  { change: { shortRunnerToken: undefined }, name: "project/7/npm" },
  { change: { path: "ci/caches" }, name: "ci/caches/runner/abc/project/7/npm" },
  { change: { path: "/ci/" }, name: "ci/runner/abc/project/7/npm" },
  { change: { key: digest, isHashed: true }, name: "runner/abc/project/7/3a/3a5e4f" },
  { change: { key: "a/b" }, name: "runner/abc/project/7/a/b" },
  { change: { key: "../8/npm" }, name: undefined },
  { change: { key: "a/../../../../x" }, name: undefined },
  { change: { key: "." }, name: undefined },
  { change: { key: "a/" }, name: undefined },
];

describe("a cache's name in a store", () => {
  for (const { change, name } of names) {
    test(`${JSON.stringify(change)} is ${name}`, () => {
      assert.equal(remoteObjectName({ ...usual, ...change }), name);
    });
  }

  test("no key leads out of its project", () => {
    const key = fc.string({ unit: fc.constantFrom("..", ".", "/", "a"), maxLength: 12 });
    fc.assert(
      fc.property(key, (one) => {
        const name = remoteObjectName({ ...usual, key: one });
        assert.ok(name === undefined || /^runner\/abc\/project\/7\/[^/]/.test(name));
        assert.ok(name === undefined || !name.split("/").includes(".."));
      }),
    );
  });
});
