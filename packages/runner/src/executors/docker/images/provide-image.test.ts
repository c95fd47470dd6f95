import assert from "node:assert/strict";
import { test } from "node:test";
import { isOfPlatform } from "./provide-image.ts";

/** Source: runner-protocol.md §4.3, row `platform`. */
const cases = [
  { wanted: undefined, present: "linux/amd64", isSame: true },
  { wanted: "linux/amd64", present: "linux/amd64", isSame: true },
  { wanted: "Linux/x86_64", present: "linux/amd64", isSame: true },
  { wanted: "linux/arm64", present: "linux/amd64", isSame: false },
  { wanted: "linux/arm64/v8", present: "linux/arm64", isSame: true },
  { wanted: "linux/arm/v6", present: "linux/arm/v7", isSame: false },
  { wanted: "linux", present: "linux/s390x", isSame: true },
  { wanted: "windows/amd64", present: "linux/amd64", isSame: false },
];

for (const { wanted, present, isSame } of cases) {
  test(`an image of ${present} ${isSame ? "is" : "is not"} what a job on ${wanted ?? "any platform"} wants`, () => {
    assert.equal(isOfPlatform({ platform: present }, wanted), isSame);
  });
}
