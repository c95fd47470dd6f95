import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type CheckStep, checkEndpoint, type EndpointSpec } from "@jobscope/labkit";
import { makeCertificates, type TestCertificates } from "./support/certificates.ts";
import { startHttpProxy } from "./support/http-proxy.ts";
import { type Behaviour, type OtlpReceiver, startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan } from "./support/spans.ts";
import { startTcpRelay } from "./support/tcp-relay.ts";

const token = (claims: object) => `${part({ alg: "RS256" })}.${part(claims)}.SIGNATURE`;
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("the check of an endpoint", () => {
  const cleanUp = new AsyncDisposableStack();
  let certificates: TestCertificates;
  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), "labkit-check-"));
    cleanUp.defer(() => rm(folder, { recursive: true }));
    certificates = await makeCertificates(folder);
  });
  after(() => cleanUp.disposeAsync());

  for (const protocol of ["http", "grpc"] as const) {
    test(`${protocol}: walks every step of one that works, and shows a token's claims but not its signature`, async () => {
      await using receiver = await startOtlpReceiver({ protocol, tls: certificates.server });
      const auth = { kind: "bearer", token: token({ iss: "https://issuer", aud: ["a"], exp: 4_000_000_000 }) } as const;
      const spec = { url: receiver.url, tls: { caFile: certificates.caFile }, auth };
      const steps = await check(spec, { span: aSpan(7) });
      assert.deepEqual(
        steps.map(({ name, kind }) => `${name} ${kind}`),
        ["specification ok", "dns ok", "connect ok", "tls ok", "token ok", "export ok"],
      );
      const factsOf = (name: string) => steps.find((step) => step.name === name)?.facts;
      assert.partialDeepStrictEqual(factsOf("tls"), { version: "TLSv1.3", issuer: "labkit test authority" });
      assert.deepEqual(factsOf("token"), { iss: "https://issuer", aud: '["a"]', exp: "2096-10-02T07:06:40.000Z" });
      assert.equal(factsOf("export")?.["span id"], receiver.spans[0]?.spanId);
      assert.doesNotMatch(JSON.stringify(steps), /SIGNATURE/);
    });

    const status = (http: number, grpc: number) => (protocol === "http" ? http : grpc);
    const answers: readonly { behaviour: Behaviour; message: RegExp; advice: RegExp }[] = [
      { behaviour: { kind: "status", status: status(400, 3) }, message: /status (400|3)/, advice: /logs/ },
      { behaviour: { kind: "status", status: status(401, 16) }, message: /status (401|16)/, advice: /audience/ },
      { behaviour: { kind: "status", status: status(403, 7) }, message: /status (403|7)/, advice: /permit|right/ },
      {
        behaviour: { kind: "status", status: status(404, 12) },
        message: /status (404|12)/,
        advice: /\/v1\/traces|trace service/,
      },
      { behaviour: { kind: "status", status: status(429, 8), retryAfterMs: 1 }, message: /429|8/, advice: /limits/ },
      { behaviour: { kind: "status", status: status(503, 14) }, message: /503|14/, advice: /for now/ },
      { behaviour: { kind: "size-limit", maxBytes: 10 }, message: /413|8/, advice: /size limit/ },
      {
        behaviour: { kind: "partial", rejectedSpans: 1, message: "too old" },
        message: /rejected.*too old/,
        advice: /message/,
      },
      { behaviour: { kind: "reset", when: "before-answer" }, message: /closed|reset|14/i, advice: /for now/ },
      { behaviour: { kind: "hang" }, message: /no answer within 300 ms|status 4/, advice: /logs/ },
      ...(protocol === "http"
        ? [{ behaviour: { kind: "redirect", location: "/" } as const, message: /307/, advice: /redirect/ }]
        : []),
    ];
    for (const { behaviour, message, advice } of answers) {
      test(`${protocol}: says what an answer means: ${JSON.stringify(behaviour)}`, async () => {
        await using receiver = await startOtlpReceiver({ protocol });
        receiver.next(behaviour);
        const steps = await check({ url: receiver.url, timeoutMs: 300, auth: { kind: "bearer", token: "t" } });
        assertFailed(steps, { name: "export", message, advice });
        assert.equal(receiver.requests.length, 1);
      });
    }

    const faults: readonly {
      name: string;
      spec: (receiver: OtlpReceiver) => Omit<EndpointSpec, "url"> & { url?: string };
      failed: { name: string; message: RegExp; advice: RegExp };
    }[] = [
      {
        name: "a URL that is none",
        spec: () => ({ url: "collector" }),
        failed: { name: "specification", message: /not a URL/, advice: /configuration/ },
      },
      {
        name: "a host name that does not exist",
        spec: () => ({ url: `${protocol}://collector.invalid:4317` }),
        failed: { name: "dns", message: /collector\.invalid: host name/, advice: /spelling/ },
      },
      {
        name: "nobody there",
        spec: () => ({ url: `${protocol}://127.0.0.1:1` }),
        failed: { name: "connect", message: /127\.0\.0\.1:1: connection refused/, advice: /runs and listens/ },
      },
      {
        name: "no TLS where some is expected",
        spec: ({ port }) => ({ url: `${protocol}s://127.0.0.1:${port}` }),
        failed: { name: "tls", message: /TLS/, advice: /speaks TLS/ },
      },
      {
        name: "a token file that is missing",
        spec: () => ({ auth: { kind: "bearer-file", path: "/nowhere/token" } }),
        failed: { name: "token", message: /\/nowhere\/token cannot be read/, advice: /file/ },
      },
      {
        name: "an expired token",
        spec: () => ({ auth: { kind: "bearer", token: token({ exp: 1_700_000_000 }) } }),
        failed: { name: "token", message: /expired at 2023-11-14/, advice: /renewed/ },
      },
    ];
    for (const { name, spec, failed } of faults) {
      test(`${protocol}: stops at ${name}, and sends nothing`, async () => {
        await using receiver = await startOtlpReceiver({ protocol });
        assertFailed(await check({ url: receiver.url, timeoutMs: 2_000, ...spec(receiver) }), failed);
        assert.equal(receiver.requests.length, 0);
      });
    }

    test(`${protocol}: says of a certificate who signed it when it is not trusted, and for how long it is valid`, async () => {
      await using receiver = await startOtlpReceiver({ protocol, tls: certificates.server });
      const steps = await check({ url: receiver.url });
      assertFailed(steps, { name: "tls", message: /signed by a known authority/, advice: /authority that signed/ });
      assert.equal(steps.at(-1)?.facts["issuer"], "labkit test authority");
      assert.match(steps.at(-1)?.facts["valid until"] ?? "", /GMT$/);
    });

    test(`${protocol}: fails at an endpoint that wants a client certificate and gets none`, async () => {
      const tls = { ...certificates.server, clientCa: certificates.ca };
      await using receiver = await startOtlpReceiver({ protocol, tls });
      const { caFile, certFile, keyFile } = certificates;
      const without = await check({ url: receiver.url, tls: { caFile } });
      assert.equal(without.at(-1)?.kind, "failed");
      const shown = await check({ url: receiver.url, tls: { caFile, certFile, keyFile } });
      assert.equal(shown.at(-1)?.kind, "ok");
    });

    test(`${protocol}: ends in time at one that accepts connections and is silent`, async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      await using relay = await startTcpRelay(receiver.port, "silent");
      const steps = await check({ url: `${protocol}s://127.0.0.1:${relay.port}`, timeoutMs: 100 });
      assertFailed(steps, { name: "tls", message: /no answer within 100 ms/, advice: /TLS/ });
    });

    test(`${protocol}: walks through a proxy, and says when that one refuses`, async () => {
      await using receiver = await startOtlpReceiver({ protocol, tls: certificates.server });
      await using proxy = await startHttpProxy({ userInfo: "user:password" });
      const spec = { url: receiver.url, tls: { caFile: certificates.caFile } };
      assert.equal((await check({ ...spec, proxyUrl: proxy.url })).at(-1)?.kind, "ok");
      const refused = await check({ ...spec, proxyUrl: proxy.url.replace("password", "wrong") });
      assertFailed(refused, { name: "connect", message: /status 407/, advice: /proxy's address and credentials/ });
    });
  }

  test("ends when its signal aborts", async () => {
    await using receiver = await startOtlpReceiver();
    receiver.always({ kind: "hang" });
    const stop = new AbortController();
    const steps: CheckStep[] = [];
    for await (const step of checkEndpoint({ url: receiver.url }, { signal: stop.signal })) {
      steps.push(step);
      if (step.name === "connect") stop.abort();
    }
    assertFailed(steps, { name: "export", message: /cancelled/, advice: /./ });
  });
});

async function check(spec: EndpointSpec, options: { span?: ReturnType<typeof aSpan> } = {}): Promise<CheckStep[]> {
  const steps: CheckStep[] = [];
  for await (const step of checkEndpoint(spec, { signal: AbortSignal.timeout(10_000), ...options })) steps.push(step);
  return steps;
}

function assertFailed(steps: readonly CheckStep[], expected: { name: string; message: RegExp; advice: RegExp }): void {
  const last = steps.at(-1);
  assert.ok(last?.kind === "failed", JSON.stringify(steps));
  assert.equal(last.name, expected.name);
  assert.match(last.message, expected.message);
  assert.match(last.advice, expected.advice);
  assert.ok(steps.slice(0, -1).every(({ kind }) => kind === "ok"));
}
