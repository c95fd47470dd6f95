import assert from "node:assert/strict";
import { test } from "node:test";
import { apiBaseUrl, printableUrl } from "./api-address.ts";

const cases = [
  { url: "https://gitlab.example.com", expected: "https://gitlab.example.com/api/v4/" },
  { url: "https://gitlab.example.com///", expected: "https://gitlab.example.com/api/v4/" },
  { url: "https://gitlab.example.com/ci", expected: "https://gitlab.example.com/api/v4/" },
  { url: "https://gitlab.example.com/ci/", expected: "https://gitlab.example.com/api/v4/" },
  { url: "http://example.com:8080/gitlab/", expected: "http://example.com:8080/gitlab/api/v4/" },
];

for (const { url, expected } of cases) {
  test(`the API of ${url} is at ${expected}`, () => {
    assert.equal(apiBaseUrl(url).href, expected);
  });
}

test("an address of another scheme is refused", () => {
  assert.throws(() => apiBaseUrl("ftp://example.com"), /only http and https are supported, found ftp:/);
});

test("a printed address has neither credentials nor a query", () => {
  assert.equal(printableUrl("https://user:secret@example.com/a?private_token=x#y"), "https://example.com/a");
});
