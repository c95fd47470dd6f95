import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createJobTokenVerifier } from "../src/auth/job-tokens.ts";
import type { Collector, RefusalReason } from "../src/index.ts";
import { aCollector, temporaryDirectory } from "./support/collectors.ts";
import { type FakeCoordinator, startFakeCoordinator } from "./support/fake-coordinator.ts";
import { audience, type FakeIssuer, startFakeIssuer } from "./support/fake-issuer.ts";
import { sendGrpc, sendHttp } from "./support/senders.ts";
import { newTraceId, protobufOf, type SpanFacts, someSpans } from "./support/spans.ts";

const traceOf = (pipeline: number) => pipeline.toString(16).padStart(32, "0");
const job = { id: 7, pipeline: { id: 1234, source: "push" } };

describe("a collector that takes job tokens", () => {
  const scope = new AsyncDisposableStack();
  let collector: Collector;
  let coordinator: FakeCoordinator;
  let issuer: FakeIssuer;

  before(async () => {
    const directory = scope.use(await temporaryDirectory());
    coordinator = scope.use(await startFakeCoordinator());
    issuer = scope.use(await startFakeIssuer());
    const tokenFile = join(directory.path, "senders");
    await writeFile(tokenFile, "a-runner-0123456789\n");
    collector = scope.use(
      await aCollector(join(directory.path, "data"), {
        auth: { tokenFile, oidc: [{ issuer: issuer.url, audience }], jobTokensOf: `${coordinator.url}/` },
      }),
    );
    coordinator.jobs.set("glcbt-7", job);
    coordinator.jobs.set("own-prefix-7", job);
    coordinator.jobs.set("glcbt-child", { id: 8, pipeline: { id: 55, source: "parent_pipeline" } });
    coordinator.jobs.set("glcbt-untold", { id: 9, pipeline: { id: 56 } });
  });
  after(() => scope.disposeAsync());

  const own = { traceId: traceOf(1234) };
  const cases: readonly [title: string, token: string, facts: SpanFacts, expected: RefusalReason | "accepted"][] = [
    ["spans of its own trace", "glcbt-7", own, "accepted"],
    ["spans of its own trace, with an instance's own prefix", "own-prefix-7", own, "accepted"],
    ["spans that say which job they are of", "glcbt-7", { ...own, attributes: { "ci.job.id": 7 } }, "accepted"],
    ["spans whose resource says it", "glcbt-7", { ...own, resource: { "ci.job.id": 7 } }, "accepted"],
    ["spans of another trace", "glcbt-7", { traceId: traceOf(1235) }, "foreign-trace"],
    ["spans of another job of its trace", "glcbt-7", { ...own, attributes: { "ci.job.id": 6 } }, "foreign-trace"],
    ["spans whose resource is another job's", "glcbt-7", { ...own, resource: { "ci.job.id": "6" } }, "foreign-trace"],
    ["anything with a token that is none", "glcbt-nobody", own, "unknown-token"],
    ["spans of the root pipeline's trace from a child pipeline", "glcbt-child", { traceId: traceOf(50) }, "accepted"],
    ["spans of a second trace from there", "glcbt-child", { traceId: traceOf(51) }, "foreign-trace"],
    ["spans of a first trace where the source is not told", "glcbt-untold", { traceId: newTraceId() }, "accepted"],
    ["spans of a second trace where the source is not told", "glcbt-untold", own, "foreign-trace"],
    ["any trace with a token of the file", "a-runner-0123456789", { traceId: newTraceId() }, "accepted"],
  ];
  for (const [title, token, facts, expected] of cases) {
    test(`${expected === "accepted" ? "takes" : "turns away"} ${title}, over HTTP and gRPC alike`, async () => {
      const before = collector.stats();
      const refusedBefore = expected === "accepted" ? 0 : before.refusedSenders[expected];
      const authorization = `Bearer ${token}`;
      const http = await sendHttp(collector, protobufOf(someSpans(2, facts)), { authorization });
      const grpc = await sendGrpc(collector, protobufOf(someSpans(2, facts)), { authorization });
      const answers = { accepted: [200, undefined], "foreign-trace": [403, 7], "unknown-token": [401, 16] };
      assert.deepEqual([http?.status, grpc?.code], answers[expected as keyof typeof answers]);
      const { storedSpans, refusedSenders } = collector.stats();
      assert.equal(storedSpans - before.storedSpans, expected === "accepted" ? 4 : 0);
      if (expected !== "accepted") assert.equal(refusedSenders[expected] - refusedBefore, 2);
    });
  }

  test("still takes an issuer's tokens for any trace", async () => {
    const authorization = `Bearer ${await issuer.token()}`;
    assert.equal((await sendHttp(collector, protobufOf(someSpans(1)), { authorization }))?.status, 200);
  });
});

describe("a job token", () => {
  test("is asked about once, and believed for a while after its job ended", async () => {
    await using coordinator = await startFakeCoordinator();
    coordinator.jobs.set("glcbt-7", job);
    const verifier = createJobTokenVerifier(coordinator.url);
    const verdicts = await Promise.all(Array.from({ length: 5 }, () => verifier.verify("glcbt-7")));
    coordinator.jobs.delete("glcbt-7");
    verdicts.push(await verifier.verify("glcbt-7"));
    assert.deepEqual(new Set(verdicts.map(({ kind }) => kind)), new Set(["accepted"]));
    assert.equal(coordinator.questions, 1);
  });

  test("is not believed for ever", async () => {
    await using coordinator = await startFakeCoordinator();
    coordinator.jobs.set("glcbt-7", job);
    const verifier = createJobTokenVerifier(coordinator.url, { acceptedMs: 0 });
    assert.equal((await verifier.verify("glcbt-7")).kind, "accepted");
    coordinator.jobs.delete("glcbt-7");
    assert.deepEqual(await verifier.verify("glcbt-7"), { kind: "refused", reason: "unknown-token" });
  });

  test("that is unknown is not asked about again at each request", async () => {
    await using coordinator = await startFakeCoordinator();
    const verifier = createJobTokenVerifier(coordinator.url);
    for (let count = 0; count < 3; count += 1) {
      assert.deepEqual(await verifier.verify("glcbt-x"), { kind: "refused", reason: "unknown-token" });
    }
    assert.equal(coordinator.questions, 1);
  });

  test("cannot be judged while the coordinator is away, and can once it is back", async () => {
    await using coordinator = await startFakeCoordinator();
    coordinator.jobs.set("glcbt-7", job);
    coordinator.setAway(true);
    const verifier = createJobTokenVerifier(coordinator.url);
    assert.deepEqual(await verifier.verify("glcbt-7"), { kind: "refused", reason: "issuer-unavailable" });
    coordinator.setAway(false);
    assert.equal((await verifier.verify("glcbt-7")).kind, "accepted");
  });

  test("among many guesses makes no more questions than a coordinator bears at once", async () => {
    await using coordinator = await startFakeCoordinator();
    const verifier = createJobTokenVerifier(coordinator.url);
    const guesses = Array.from({ length: 40 }, (_, index) => verifier.verify(`glcbt-${index}`));
    const reasons = (await Promise.all(guesses)).map((verdict) => verdict.kind === "refused" && verdict.reason);
    assert.deepEqual(new Set(reasons), new Set(["unknown-token", "issuer-unavailable"]));
    assert.equal(coordinator.questions, 16);
  });
});
