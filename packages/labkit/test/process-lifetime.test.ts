import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { startOtlpReceiver } from "./support/otlp-receiver.ts";

const fixture = new URL("./support/exporting-process.ts", import.meta.url).pathname;

for (const protocol of ["http", "grpc"] as const) {
  describe(`a process that exports over ${protocol}`, () => {
    test("ends by itself with a connection open, a span queued and the pool not disposed of", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      assert.deepEqual(await run(receiver.url, "leave"), { code: 0, output: "" });
      assert.equal(receiver.spans.length, 1);
    });

    test("stays for its flush even when only a wait is left, and delivers all", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      receiver.next(
        { kind: "status", status: protocol === "http" ? 503 : 14 },
        { kind: "status", status: protocol === "http" ? 503 : 14 },
      );
      assert.deepEqual(await run(receiver.url, "dispose"), { code: 0, output: "" });
      assert.equal(receiver.spans.length, 2);
    });

    test("ends in time when its endpoint is silent", async () => {
      await using receiver = await startOtlpReceiver({ protocol });
      receiver.always({ kind: "hang" });
      assert.deepEqual(await run(receiver.url, "dispose"), { code: 0, output: "" });
    });
  });
}

async function run(url: string, mode: string): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, ["--conditions=jobscope-source", fixture, url, mode], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
  });
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { code: code as number, output: output + errors };
}
