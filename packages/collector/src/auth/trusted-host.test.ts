import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopbackHost, isOwnHost } from "./trusted-host.ts";

const hosts: readonly [header: string | undefined, own: readonly (string | undefined)[], expected: boolean][] = [
  ["127.0.0.1:4320", [], true],
  ["127.9.9.9", [], true],
  ["localhost:4320", [], true],
  ["LOCALHOST", [], true],
  ["[::1]:4320", [], true],
  ["10.0.0.5:4320", ["10.0.0.5"], true],
  ["10.0.0.5:4320", ["0.0.0.0", "::ffff:10.0.0.5"], true],
  ["[fe80::1]", ["FE80::1"], true],
  ["Spans.test:4320", ["spans.test", "10.0.0.5"], true],
  [undefined, [undefined], false],
  ["", [""], false],
  ["evil.test", ["10.0.0.5"], false],
  ["evil.test:4320", ["0.0.0.0", undefined], false],
  ["10.0.0.6", ["10.0.0.5"], false],
  ["127.0.0.1.evil.test", [], false],
  ["localhost.evil.test", [], false],
  ["127.0.0.1@evil.test", [], false],
  ["evil.test@127.0.0.1", [], false],
  ["evil.test/127.0.0.1", [], false],
  ["127.0.0.1/evil", [], false],
  ["localhost evil.test", [], false],
];
for (const [header, own, expected] of hosts) {
  test(`Host ${header} ${expected ? "is" : "is not"} this collector, which is [${own}]`, () => {
    assert.equal(isOwnHost(header, own), expected);
  });
}

const loopback: readonly [host: string, expected: boolean][] = [
  ["127.0.0.1", true],
  ["localhost", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["0.0.0.0", false],
  ["::", false],
  ["127.evil.test", false],
  ["10.0.0.5", false],
];
for (const [host, expected] of loopback) {
  test(`${host} ${expected ? "is" : "is not"} loopback`, () => assert.equal(isLoopbackHost(host), expected));
}
