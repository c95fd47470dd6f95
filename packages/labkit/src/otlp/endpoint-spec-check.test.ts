import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EndpointSpec } from "./endpoint-spec.ts";
import { checkEndpointSpec } from "./endpoint-spec-check.ts";

const usable: { spec: EndpointSpec; protocol: string; url: string; name: string }[] = [
  { spec: { url: "http://h" }, protocol: "http", url: "http://h/v1/traces", name: "http://h" },
  { spec: { url: "HTTPS://H:4318/" }, protocol: "http", url: "https://h:4318/v1/traces", name: "https://h:4318" },
  { spec: { url: "https://h/otlp/x" }, protocol: "http", url: "https://h/otlp/x", name: "https://h/otlp/x" },
  { spec: { url: "https://u:p@h/x?token=1#f" }, protocol: "http", url: "https://h/x", name: "https://h/x" },
  { spec: { url: "GRPC://h:4317/ignored" }, protocol: "grpc", url: "http://h:4317/", name: "grpc://h:4317" },
  { spec: { url: "grpcs://[::1]:4317" }, protocol: "grpc", url: "https://[::1]:4317/", name: "grpcs://[::1]:4317" },
  {
    spec: { url: "http://127.0.0.9:1", auth: { kind: "bearer", token: "t" } },
    protocol: "http",
    url: "http://127.0.0.9:1/v1/traces",
    name: "http://127.0.0.9:1",
  },
  {
    spec: { url: "http://h", auth: { kind: "bearer", token: "t" }, allowInsecureAuth: true },
    protocol: "http",
    url: "http://h/v1/traces",
    name: "http://h",
  },
];

const unusable: { spec: EndpointSpec; why: RegExp }[] = [
  { spec: { url: "" }, why: /is not a URL/ },
  { spec: { url: "collector:4317x" }, why: /scheme/ },
  { spec: { url: "ftp://h" }, why: /scheme.*http, https, grpc, grpcs/ },
  { spec: { url: "grpc:///x" }, why: /names no host/ },
  { spec: { url: "http://h", auth: { kind: "bearer", token: "t" } }, why: /allow_insecure_auth/ },
  { spec: { url: "grpc://10.0.0.1:4317", auth: { kind: "headers", headers: { a: "b" } } }, why: /without TLS/ },
  { spec: { url: "http://127.0.0.1.example.com", auth: { kind: "bearer", token: "t" } }, why: /without TLS/ },
  { spec: { url: "http://h", headers: { "a b": "c" } }, why: /"a b"/ },
  { spec: { url: "http://h", headers: { a: "b\r\nc: d" } }, why: /"a"/ },
  { spec: { url: "http://h", timeoutMs: 0 }, why: /timeout/ },
  { spec: { url: "http://h", queue: { maxSpans: 0 } }, why: /queue's maxSpans of http:\/\/h is 0/ },
  { spec: { url: "https://h", tls: { certFile: "a.pem" } }, why: /certificate and its key need each other/ },
  {
    spec: { url: "http://h", proxyUrl: "proxy:3128" },
    why: /the proxy "proxy:3128" of http:\/\/h is not an http:\/\/ URL/,
  },
  { spec: { url: "http://h", proxyUrl: "http://u:100%@proxy" }, why: /the proxy "http:\/\/proxy"/ },
  {
    spec: { url: "http://localhost", proxyUrl: "http://proxy:3128", auth: { kind: "bearer", token: "t" } },
    why: /without TLS/,
  },
];

describe("what an endpoint spec amounts to (telemetry.md §1, §6)", () => {
  for (const { spec, ...expected } of usable) {
    test(`${JSON.stringify(spec)} is usable`, () => {
      const check = checkEndpointSpec(spec);
      assert.ok(check.kind === "usable");
      const { protocol, url, name } = check.endpoint;
      assert.deepEqual({ protocol, url: url.href, name }, expected);
    });
  }

  for (const { spec, why } of unusable) {
    test(`${JSON.stringify(spec)} is not usable`, () => {
      const check = checkEndpointSpec(spec);
      assert.ok(check.kind === "unusable");
      assert.match(check.why, why);
    });
  }

  test("a reason never shows user info or a query", () => {
    const check = checkEndpointSpec({ url: "ftp://user:secret@h?key=secret" });
    assert.ok(check.kind === "unusable");
    assert.doesNotMatch(check.why, /secret/);
  });
});
