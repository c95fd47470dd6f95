import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { copyFile, rename, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createLog } from "@jobscope/labkit";
import { createCollectorClient } from "../src/client.ts";
import { type Collector, ConfigError, type RefusalReason } from "../src/index.ts";
import { makeCertificates, type TestCertificates } from "./support/certificates.ts";
import { aCollector, temporaryDirectory } from "./support/collectors.ts";
import { audience, type FakeIssuer, startFakeIssuer } from "./support/fake-issuer.ts";
import { sendGrpc, sendHttp } from "./support/senders.ts";
import { newTraceId, protobufOf, someSpans } from "./support/spans.ts";

const senderToken = "sender-token-0123456789";
const slowToken = "slow-sender-0123456789";
const heavyToken = "heavy-sender-0123456789";
const readerToken = "reader-token-0123456789";

describe("a collector that asks for tokens", () => {
  const scope = new AsyncDisposableStack();
  let collector: Collector;
  let issuer: FakeIssuer;
  let away: FakeIssuer;
  let logged = "";
  let tokenFile: string;
  const lines = new EventEmitter();
  const said = async (pattern: RegExp) => {
    while (!pattern.test(logged)) await once(lines, "line", { signal: AbortSignal.timeout(10_000) });
  };
  const sentTokens = [senderToken, slowToken, heavyToken, readerToken];

  before(async () => {
    const directory = scope.use(await temporaryDirectory());
    issuer = scope.use(await startFakeIssuer());
    away = scope.use(await startFakeIssuer());
    away.setAway(true);
    const log = (line: string) => {
      logged += line;
      lines.emit("line");
    };
    tokenFile = join(directory.path, "senders");
    const apiTokenFile = join(directory.path, "readers");
    await writeFile(tokenFile, `${senderToken}\n${slowToken}\n${heavyToken}\n`);
    await writeFile(apiTokenFile, `${readerToken}\n`);
    collector = scope.use(
      await aCollector(join(directory.path, "data"), {
        log: createLog({ level: "debug", write: log }),
        fileCheckIntervalMs: 20,
        auth: {
          tokenFile,
          apiTokenFile,
          oidc: [
            { issuer: issuer.url, audience, claims: { environment: "production" } },
            { issuer: away.url, audience },
          ],
          maxRequestsPerSecond: 20,
          maxBytesPerSecond: 100_000,
        },
      }),
    );
  });
  after(() => scope.disposeAsync());

  type Expected = RefusalReason | "accepted";
  const claims = { environment: "production" };
  const senders: readonly [
    title: string,
    authorization: () => Promise<string | undefined> | string | undefined,
    Expected,
  ][] = [
    ["a token of the file", () => `Bearer ${senderToken}`, "accepted"],
    ["the scheme in lower case", () => `bearer ${senderToken}`, "accepted"],
    ["no token", () => undefined, "no-token"],
    ["another scheme", () => `Basic ${senderToken}`, "no-token"],
    ["an empty token", () => "Bearer ", "no-token"],
    ["an unknown token", () => `Bearer ${senderToken}x`, "unknown-token"],
    ["the query API's token", () => `Bearer ${readerToken}`, "unknown-token"],
    ["an issuer's token", async () => `Bearer ${await issuer.token({ claims })}`, "accepted"],
    ["an issuer's token without the claim", async () => `Bearer ${await issuer.token()}`, "wrong-claims"],
    ["an expired one", async () => `Bearer ${await issuer.token({ claims, expiresIn: -90 })}`, "expired"],
    [
      "one for another audience",
      async () => `Bearer ${await issuer.token({ claims, audience: "x" })}`,
      "wrong-audience",
    ],
    [
      "one of an unknown issuer",
      async () => `Bearer ${await issuer.token({ issuer: "https://else.test" })}`,
      "wrong-issuer",
    ],
    [
      "one signed by another issuer",
      async () => `Bearer ${await away.token({ claims, issuer: issuer.url })}`,
      "wrong-signature",
    ],
    ["one whose issuer is away", async () => `Bearer ${await away.token()}`, "issuer-unavailable"],
  ];
  for (const [title, authorizationOf, expected] of senders) {
    test(`${expected === "accepted" ? "takes" : "turns away"} spans with ${title}, over HTTP and gRPC alike`, async () => {
      const authorization = await authorizationOf();
      if (authorization !== undefined) sentTokens.push(...authorization.split(" ").filter((word) => word.length > 10));
      const before = { ...collector.stats(), refusedSenders: { ...collector.stats().refusedSenders } };
      const http = await sendHttp(collector, protobufOf(someSpans(1)), { authorization });
      const grpc = await sendGrpc(collector, protobufOf(someSpans(1)), { authorization });
      const stats = collector.stats();
      if (expected === "accepted") {
        assert.deepEqual([http?.status, grpc], [200, undefined]);
        assert.equal(stats.storedSpans, before.storedSpans + 2);
        return;
      }
      const [status, code] = expected === "issuer-unavailable" ? [503, 14] : [401, 16];
      assert.deepEqual([http?.status, grpc?.code], [status, code]);
      assert.equal(http?.headers["www-authenticate"], status === 401 ? "Bearer" : undefined);
      if (status === 401) assert.equal(grpc?.details, "not authenticated");
      assert.equal(stats.receivedSpans, before.receivedSpans);
      assert.deepEqual(stats.refusedSenders, {
        ...before.refusedSenders,
        [expected]: before.refusedSenders[expected] + 2,
      });
      assert.equal(stats.failedRequests, before.failedRequests);
    });
  }

  test("turns away a request that is too large before it is read, so not for its size", async () => {
    const large = Buffer.alloc(17 * 1024 * 1024);
    assert.equal((await sendGrpc(collector, large))?.code, 16);
    assert.ok([401, undefined].includes((await sendHttp(collector, large))?.status));
    assert.equal(collector.stats().pendingBytes, 0);
  });

  test("asks a token that sends too much at once to come back, over HTTP and gRPC alike", async () => {
    const authorization = `Bearer ${heavyToken}`;
    const large = protobufOf(someSpans(2000));
    assert.ok(large.length > 100_000);
    assert.equal((await sendHttp(collector, large, { authorization }))?.status, 200);
    const stored = collector.stats().storedSpans;
    const [http, grpc] = [
      await sendHttp(collector, large, { authorization }),
      await sendGrpc(collector, large, { authorization }),
    ];
    assert.deepEqual([http?.status, http?.headers["retry-after"], grpc?.code], [429, "1", 8]);
    assert.equal(collector.stats().storedSpans, stored);
  });

  test("asks a token that comes too often to come back, and no other", async () => {
    const before = collector.stats().refusedSenders["rate-limited"];
    const authorization = `Bearer ${slowToken}`;
    const body = protobufOf(someSpans(1));
    const answers = await Promise.all(Array.from({ length: 60 }, () => sendHttp(collector, body, { authorization })));
    const refused = answers.filter((answer) => answer?.status === 429);
    assert.ok(refused.length > 0 && answers.filter((answer) => answer?.status === 200).length >= 20);
    assert.equal(refused[0]?.headers["retry-after"], "1");
    assert.equal(collector.stats().refusedSenders["rate-limited"] - before, refused.length);
    assert.equal((await sendHttp(collector, body, { authorization: `Bearer ${senderToken}` }))?.status, 200);
  });

  test("answers queries with the API's own token alone", async () => {
    const apiUrl = collector.apiUrl ?? "";
    const traceId = newTraceId();
    const body = protobufOf(someSpans(2, { traceId }));
    await sendHttp(collector, body, { authorization: `Bearer ${senderToken}` });
    const trace = await createCollectorClient({ apiUrl, token: readerToken }).getTrace(traceId);
    assert.equal(trace?.spans.length, 2);
    for (const token of [undefined, senderToken, `${readerToken}x`]) {
      const client = createCollectorClient({ apiUrl, ...(token === undefined ? {} : { token }) });
      await assert.rejects(client.listJobs(), { code: "unauthenticated" });
      await assert.rejects(client.sql("SELECT 1"), { code: "unauthenticated" });
    }
    assert.equal((await fetch(`${apiUrl}/metrics`)).status, 401);
    assert.equal((await fetch(`${apiUrl}/health`)).status, 200);
  });

  test("takes the tokens of a file that was changed, and keeps the old ones while it cannot be used", async () => {
    const newToken = "renewed-sender-0123456789";
    sentTokens.push(newToken);
    const statusFor = async (token: string) =>
      (await sendHttp(collector, protobufOf(someSpans(1)), { authorization: `Bearer ${token}` }))?.status;
    await writeFile(tokenFile, "short\n");
    await said(/changed files of the collector cannot be used.*senders' tokens/);
    assert.equal(await statusFor(senderToken), 200);
    await writeFile(tokenFile, `${newToken}\n`);
    await said(/files of the collector were read again.*senders' tokens/);
    assert.deepEqual([await statusFor(newToken), await statusFor(senderToken)], [200, 401]);
  });

  test("tells on /metrics whom it turned away and why, and no token anywhere", async () => {
    const headers = { Authorization: `Bearer ${readerToken}` };
    const metrics = await (await fetch(`${collector.apiUrl}/metrics`, { headers })).text();
    const { refusedSenders } = collector.stats();
    assert.ok(refusedSenders["no-token"] > 0);
    assert.ok(metrics.includes(`refused_senders_total{reason="no-token"} ${refusedSenders["no-token"]}\n`));
    assert.match(metrics, /refused_readers_total\{reason="unknown-token"\} 4\n/);
    assert.match(logged, /collector is ready/);
    for (const token of sentTokens) assert.ok(!`${metrics}${logged}`.includes(token));
  });
});

describe("a collector that asks for certificates", () => {
  const scope = new AsyncDisposableStack();
  let collector: Collector;
  let ours: TestCertificates;
  let others: TestCertificates;
  const renewed = Promise.withResolvers<void>();

  before(async () => {
    const directory = scope.use(await temporaryDirectory());
    ours = await makeCertificates(directory.path, "ours");
    others = await makeCertificates(directory.path, "others");
    const tls = { ...ours.server, clientCa: ours.ca };
    const log = createLog({ write: (line) => void (line.includes("were read again") && renewed.resolve()) });
    collector = scope.use(
      await aCollector(join(directory.path, "data"), { auth: { tls }, log, fileCheckIntervalMs: 20 }),
    );
  });
  after(() => scope.disposeAsync());

  test("takes spans from one of its authority's", async () => {
    const sender = { ca: ours.ca, client: ours.client };
    assert.equal((await sendHttp(collector, protobufOf(someSpans(1)), sender))?.status, 200);
    assert.equal(await sendGrpc(collector, protobufOf(someSpans(1)), sender), undefined);
    assert.equal(collector.stats().storedSpans, 2);
    assert.match(`${collector.otlpHttpUrl} ${collector.otlpGrpcUrl}`, /^https:\/\/\S+ grpcs:\/\/\S+$/);
  });

  test("turns away who has none, or another authority's", async () => {
    for (const sender of [{ ca: ours.ca }, { ca: ours.ca, client: others.client }]) {
      assert.equal(await sendHttp(collector, protobufOf(someSpans(1)), sender), undefined);
      assert.equal((await sendGrpc(collector, protobufOf(someSpans(1)), sender))?.code, 14);
    }
    assert.equal(collector.stats().receivedSpans, 2);
  });

  test("and no token answers queries to whoever names this machine as the host, not to a rebound name", async () => {
    const statuses = await Promise.all(["127.0.0.1", "localhost:80", "evil.test"].map((host) => healthFor(host)));
    assert.deepEqual(statuses, [200, 200, 403]);
    assert.equal(collector.stats().refusedReaders["wrong-host"], 1);
  });

  test("shows new senders its new certificate once the files were replaced, and asks for one of the new authority", async () => {
    const stored = collector.stats().storedSpans;
    // With the key first, nothing of it can be used before all of it is there.
    for (const [from, to] of [
      [others.server.key, ours.server.key],
      [others.ca, ours.ca],
      [others.server.cert, ours.server.cert],
    ] as const) {
      await copyFile(from, `${to}.new`);
      await rename(`${to}.new`, to);
    }
    await renewed.promise;
    const sender = { ca: others.ca, client: others.client };
    assert.equal((await sendHttp(collector, protobufOf(someSpans(1)), sender))?.status, 200);
    assert.equal(await sendGrpc(collector, protobufOf(someSpans(1)), sender), undefined);
    assert.equal(collector.stats().storedSpans, stored + 2);
    const old = { ca: others.ca, client: ours.client };
    assert.equal(await sendHttp(collector, protobufOf(someSpans(1)), old), undefined);
    assert.equal((await sendGrpc(collector, protobufOf(someSpans(1)), old))?.code, 14);
  });

  function healthFor(host: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const sent = request(`${collector.apiUrl}/api/jobs`, { headers: { host }, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on("error", reject);
      sent.end();
    });
  }
});

describe("a collector does not start", () => {
  test("beyond loopback without authentication, before it touches its data", async () => {
    await assert.rejects(
      aCollector("/nonexistent", { otlpHttp: "0.0.0.0:0" }),
      (error) => error instanceof ConfigError && /^otlpHttp: 0\.0\.0\.0:0 is beyond loopback/.test(error.message),
    );
  });

  test("with files that cannot be used", async () => {
    await using directory = await temporaryDirectory();
    const { server, ca, client } = await makeCertificates(directory.path, "ours");
    const issuer = { issuer: "https://issuer.test", audience };
    const cases = [
      [{ tokenFile: "/nonexistent" }, /^auth\.tokenFile: \/nonexistent cannot be read \(ENOENT\)$/],
      [{ tls: { ...server, key: client.key } }, /^auth\.tls: .* are no certificate and its key/],
      [{ tls: { ...server, clientCa: server.key } }, /^auth\.tls\.clientCa: .* holds no certificate/],
      [{ tls: { cert: ca, key: "/nonexistent" } }, /^auth\.tls\.key: \/nonexistent cannot be read/],
      [{ maxRequestsPerSecond: -1 }, /^auth\.maxRequestsPerSecond: -1 is no rate/],
      [{ maxRequestsPerSecond: 0.5 }, /^auth\.maxRequestsPerSecond: 0\.5 is no rate; expected 1 or more/],
      [{ maxBytesPerSecond: -1 }, /^auth\.maxBytesPerSecond: -1 is no rate/],
      [{ jobTokensOf: "http://gitlab.test" }, /^auth\.jobTokensOf: "http:\/\/gitlab\.test" is no https:\/\/ URL/],
      [{ oidc: [issuer, issuer] }, /^auth\.oidc: https:\/\/issuer\.test is named twice$/],
    ] as const;
    for (const [auth, expected] of cases) {
      await assert.rejects(
        aCollector("/nonexistent", { auth }),
        (error) => error instanceof ConfigError && expected.test(error.message),
      );
    }
  });
});
