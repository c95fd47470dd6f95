import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { signV4 } from "./sign-v4.ts";

const now = new Date("2027-01-02T03:04:05Z");
const path = "/ci-caches/runner/abc/project/7/a%20b%2Bc/%C3%BC%23%3F%2A%25%27%28%29%21/key";
const credential =
  "X-Goog-Credential=cache%40project.iam.gserviceaccount.com%2F20270102%2Fauto%2Fstorage%2Fgoog4_request";

/** What Google's own library (@google-cloud/storage 8.4.0) makes of the same wishes, and gives to be signed. */
const recorded = [
  {
    method: "GET",
    validMs: 3_600_000,
    headers: {},
    query: "X-Goog-Date=20270102T030405Z&X-Goog-Expires=3600&X-Goog-SignedHeaders=host",
    digest: "31ac72d2aefb376f0c3820fc4b0444f1c247c4d32baa8de8ab2fa70cf6a9a94b",
  },
  {
    method: "PUT",
    validMs: 600_000,
    headers: {
      "content-type": "application/octet-stream",
      "x-goog-meta-cachekey": "a  b",
      "x-goog-content-length-range": "0,1000",
    },
    query:
      "X-Goog-Date=20270102T030405Z&X-Goog-Expires=600" +
      "&X-Goog-SignedHeaders=content-type%3Bhost%3Bx-goog-content-length-range%3Bx-goog-meta-cachekey",
    digest: "0c60502483329899c7aba9d25786d76adc25ad33dce27bf76bcebe8727d7e18d",
  },
] as const;

describe("signature version 4 of Google Cloud Storage", () => {
  for (const { method, validMs, headers, query, digest } of recorded) {
    test(`a ${method} is signed as Google's library signs it`, async () => {
      let text = "";
      const url = await signV4({
        ...{ method, validMs, headers, now },
        origin: "https://storage.googleapis.com",
        path: "ci-caches/runner/abc/project/7/a b+c/ü#?*%'()!/key",
        accessId: "cache@project.iam.gserviceaccount.com",
        async sign(given) {
          text = given;
          return Buffer.from("signature").toString("base64");
        },
      });
      assert.equal(text, `GOOG4-RSA-SHA256\n20270102T030405Z\n20270102/auto/storage/goog4_request\n${digest}`);
      const address = `https://storage.googleapis.com${path}?X-Goog-Algorithm=GOOG4-RSA-SHA256&${credential}&${query}`;
      assert.equal(url, `${address}&X-Goog-Signature=7369676e6174757265`);
    });
  }
});
