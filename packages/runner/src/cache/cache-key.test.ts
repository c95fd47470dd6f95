import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { cacheKeyOf, isProtectedFallback, sanitizeCacheKey } from "./cache-key.ts";

/** Source of all: runner-protocol.md §3.7. */
const sanitized = [
  { raw: "npm", key: "npm" },
  { raw: "npm/main-non_protected", key: "npm/main-non_protected" },
  { raw: "../../etc", key: "etc" },
  { raw: "%2e%2E%2f..%2Fetc/x", key: "etc/x" },
  { raw: "a\\b\\..\\c", key: "a/c" },
  { raw: "/abs//key/", key: "abs/key" },
  { raw: "key  ", key: "key" },
  { raw: ".. ", key: "" },
  { raw: "%252e%252e/x", key: "%252e%252e/x" },
  { raw: "key/ / ", key: "key" },
  { raw: " key", key: " key" },
  { raw: "..", key: "" },
  { raw: " ", key: "" },
];

describe("cache keys", () => {
  for (const { raw, key } of sanitized) {
    test(`${JSON.stringify(raw)} becomes ${JSON.stringify(key)}`, () => assert.equal(sanitizeCacheKey(raw), key));
  }

  test("no key leads out of the cache's directory, and none is changed twice", () => {
    const key = fc.string({ unit: fc.constantFrom(".", "/", "\\", "%2e", "%2F", "a", " "), maxLength: 12 });
    fc.assert(
      fc.property(key, (raw) => {
        const safe = sanitizeCacheKey(raw);
        assert.equal(safe.split("/").includes(".."), false);
        assert.equal(safe.startsWith("/"), false);
        assert.equal(sanitizeCacheKey(safe), safe);
      }),
    );
  });

  test("without a key, the job and its ref make one", () => {
    const key = cacheKeyOf({ key: "", jobName: "build", ref: "feature/x", isHashed: false });
    assert.deepEqual(key, { kind: "usable", key: "build/feature/x", directory: "build/feature/x", warning: undefined });
  });

  test("a hashed key is not changed", () => {
    const key = cacheKeyOf({ key: "../x", jobName: "", ref: "", isHashed: true });
    assert.equal(key.kind === "usable" && key.key, "../x");
    assert.match(key.kind === "usable" ? key.directory : "", /^[0-9a-f]{64}$/);
  });

  test("a changed key says so", () => {
    const key = cacheKeyOf({ key: "a/../b ", jobName: "", ref: "", isHashed: false });
    assert.equal(key.warning, 'cache key "a/../b " sanitized to "b"');
  });

  for (const key of ["main-protected", "main-protected.", "main-protected . "]) {
    test(`CACHE_FALLBACK_KEY ${JSON.stringify(key)} is refused`, () => assert.equal(isProtectedFallback(key), true));
  }

  test("CACHE_FALLBACK_KEY may end in -non_protected", () => {
    assert.equal(isProtectedFallback("main-non_protected"), false);
  });
});
