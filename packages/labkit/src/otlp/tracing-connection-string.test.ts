import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseTracingConnectionString } from "./tracing-connection-string.ts";

const usable: { text: string; spec: object; serviceName?: string }[] = [
  { text: "otlp://localhost", spec: { url: "grpc://localhost:4317" } },
  { text: "otlp://localhost:1/?protocol=http", spec: { url: "http://localhost:1/" } },
  { text: "otlp://collector.example.com", spec: { url: "grpcs://collector.example.com:4317" } },
  { text: "otlp://collector.example.com?protocol=http", spec: { url: "https://collector.example.com:4318" } },
  {
    text: "otlp://h/x/y?protocol=http&insecure=true&compression=gzip&timeout_ms=500",
    spec: { url: "http://h:4318/x/y", compression: "gzip", timeoutMs: 500 },
  },
  {
    text: "otlp://h?header.x-api-key=a%20b",
    spec: { url: "grpcs://h:4317", auth: { kind: "headers", headers: { "x-api-key": "a b" } } },
  },
  {
    text: "otlp://h?bearer_file=/run/token",
    spec: { url: "grpcs://h:4317", auth: { kind: "bearer-file", path: "/run/token" } },
  },
  {
    text: "otlp://h?bearer_env=TOKEN&service_name=web",
    spec: { url: "grpcs://h:4317", auth: { kind: "bearer-env", variable: "TOKEN" } },
    serviceName: "web",
  },
];

const unusable: [text: string, why: RegExp][] = [
  ["", /not a URL/],
  ["opentracing://jaeger?udp_endpoint=localhost:6831", /scheme is opentracing/],
  ["otlp://", /host|not a URL/],
  ["otlp://h?insecre=true", /unknown option "insecre"/],
  ["otlp://h?insecure=yes", /"insecure"/],
  ["otlp://h?timeout_ms=0", /"timeout_ms"/],
  ["otlp://h?bearer_env=A&bearer_file=b", /more than one/],
  ["otlp://h?insecure=true&bearer_env=A", /without TLS/],
];

describe("the connection string of GITLAB_TRACING", () => {
  for (const { text, spec, serviceName } of usable) {
    test(`${text} is usable`, () => {
      assert.deepEqual(parseTracingConnectionString(text), { kind: "usable", spec, serviceName });
    });
  }

  for (const [text, why] of unusable) {
    test(`"${text}" is not usable`, () => {
      const connection = parseTracingConnectionString(text);
      assert.ok(connection.kind === "unusable");
      assert.match(connection.why, why);
    });
  }
});
