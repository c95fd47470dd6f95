import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createEndpointPool, silentLog } from "@jobscope/labkit";
import { startOtlpReceiver } from "./support/otlp-receiver.ts";
import { aSpan } from "./support/spans.ts";

const limits = { coalesceMs: 1, initialBackoffMs: 10, maxBackoffMs: 20, shutdownFlushMs: 0 };
const inTime = () => ({ signal: AbortSignal.timeout(10_000) });

describe("credentials of an endpoint", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "labkit-credentials-"));
  });
  after(() => rm(folder, { recursive: true }));

  for (const protocol of ["http", "grpc"] as const) {
    test(`${protocol}: a token that was renewed is used from then on`, async () => {
      const path = join(folder, `${protocol}-renewed`);
      await writeFile(path, "first");
      await using receiver = await startOtlpReceiver({ protocol });
      await using pool = createEndpointPool({ log: silentLog, limits });
      const endpoint = pool.endpoint({ url: receiver.url, auth: { kind: "bearer-file", path } });
      endpoint.enqueue(aSpan(1));
      await endpoint.flush(inTime());
      await writeFile(path, "second");
      endpoint.enqueue(aSpan(2));
      await endpoint.flush(inTime());
      const sent = receiver.requests.map(({ headers }) => headers["authorization"]);
      assert.deepEqual(sent, ["Bearer first", "Bearer second"]);
    });

    test(`${protocol}: while there is no token, spans wait and nothing is sent`, async () => {
      const path = join(folder, `${protocol}-missing`);
      await using receiver = await startOtlpReceiver({ protocol });
      await using pool = createEndpointPool({ log: silentLog, limits });
      const endpoint = pool.endpoint({ url: receiver.url, auth: { kind: "bearer-file", path } });
      endpoint.enqueue(aSpan(1));
      assert.deepEqual(await endpoint.flush({ signal: AbortSignal.timeout(50) }), { kind: "left", spans: 1 });
      assert.equal(receiver.requests.length, 0);
      await writeFile(path, "token");
      await endpoint.flush(inTime());
      assert.equal(receiver.spans.length, 1);
    });
  }

  test("a variable that is not set is said so, without a request", async () => {
    await using receiver = await startOtlpReceiver();
    await using pool = createEndpointPool({ log: silentLog, limits, env: {} });
    const endpoint = pool.endpoint({ url: receiver.url, auth: { kind: "bearer-env", variable: "NOT_SET" } });
    endpoint.enqueue(aSpan(1));
    await endpoint.flush(inTime());
    assert.equal(endpoint.stats().droppedSpans.unauthorized, 1);
    assert.match(endpoint.stats().lastFailure?.why ?? "", /variable NOT_SET holds no token/);
    assert.equal(receiver.requests.length, 0);
  });
});
