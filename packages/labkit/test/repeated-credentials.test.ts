import assert from "node:assert/strict";
import { test } from "node:test";
import { type CheckStep, checkEndpoint, createEndpointPool, createLog, type EndpointSpec } from "@jobscope/labkit";
import { type Behaviour, startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan } from "./support/spans.ts";

const token = "eyJhbGciOiJFUzI1NiJ9.s3cret-claims.s3cret-signature";
const key = "s3cret-key-0123456789";

/** What an endpoint may say of what it was sent. */
const answers: readonly { readonly protocol: "http" | "grpc"; readonly behaviour: Behaviour }[] = [
  { protocol: "grpc", behaviour: { kind: "status", status: 16, message: `token ${token} and key ${key} are unknown` } },
  { protocol: "grpc", behaviour: { kind: "status", status: 14, message: `Bearer ${token.slice(0, 40)}… is unknown` } },
  { protocol: "grpc", behaviour: { kind: "partial", rejectedSpans: 1, message: `${"x".repeat(290)}${token}` } },
  { protocol: "http", behaviour: { kind: "partial", rejectedSpans: 1, message: `not for ${token}, ${key}` } },
];

for (const { protocol, behaviour } of answers) {
  test(`${protocol}: an endpoint that repeats our credentials does not bring them into logs and counters: ${behaviour.kind}`, async () => {
    await using receiver = await startOtlpReceiver({ protocol });
    receiver.always(behaviour);
    const spec: EndpointSpec = {
      url: receiver.url,
      auth: { kind: "bearer", token },
      headers: { "x-key": key, "x-tenant": "ci" },
    };
    const logged: string[] = [];
    const log = createLog({ level: "debug", write: (line) => void logged.push(line) });
    await using pool = createEndpointPool({ log, limits: { coalesceMs: 1, shutdownFlushMs: 0 } });
    const endpoint = pool.endpoint(spec);
    endpoint.enqueue(aSpan(1));
    await receiver.waitFor(() => receiver.requests.length > 0);
    await endpoint.flush({ signal: AbortSignal.timeout(300) });
    const steps: CheckStep[] = [];
    for await (const step of checkEndpoint(spec, { signal: AbortSignal.timeout(5_000) })) steps.push(step);
    const seen = `${logged.join()}${JSON.stringify(endpoint.stats())}${JSON.stringify(steps)}`;
    assert.match(JSON.stringify(steps), /\[MASKED\]/);
    assert.doesNotMatch(seen, /s3cret|eyJhbGciOiJF/);
  });
}
