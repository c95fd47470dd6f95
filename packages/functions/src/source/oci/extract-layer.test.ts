import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { digestOf, tarOf } from "../../../test/fake-registry.ts";
import { FunctionError } from "../../function-error.ts";
import { defaultFetchLimits, FetchMeter } from "../fetch-limits.ts";
import { extractLayer } from "./extract-layer.ts";
import { FunctionTree } from "./function-tree.ts";

/** @returns the message of the failure, or undefined. Anything but a {@link FunctionError} is thrown on. */
async function failureOf(layer: Uint8Array, digest = digestOf(layer), chunkBytes = 300): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), "extract-test-"));
  async function* chunks() {
    for (let at = 0; at < layer.length; at += chunkBytes) yield layer.subarray(at, at + chunkBytes);
  }
  try {
    await extractLayer(chunks(), digest, new FunctionTree(directory), new FetchMeter(defaultFetchLimits));
    return undefined;
  } catch (error) {
    if (error instanceof FunctionError && error.code === "fetch_failed") return error.message;
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const small = await tarOf([
  { name: "a/b", content: "x".repeat(700) },
  { name: `${"long/".repeat(25)}f`, content: "y" },
  { name: "link", type: "symlink", linkname: "/etc" },
  { name: "func.yml", content: "z" },
]);

suite("a damaged layer", { timeout: 60_000 }, () => {
  const compressions = { plain: (bytes: Buffer) => bytes, gzip: gzipSync, zstd: zstdCompressSync };
  for (const [name, compress] of Object.entries(compressions)) {
    test(`cut off anywhere ends in a failure, never in waiting (${name})`, async () => {
      const layer = compress(small);
      const cuts = Array.from({ length: 6 }, (_, at) => Math.floor((layer.length * at) / 6));
      for (const cut of [...cuts, 512, 513, 768, 1_024, 1_536].filter((at) => at < layer.length)) {
        assert.notEqual(await failureOf(layer.subarray(0, cut), digestOf(layer)), undefined, `cut at ${cut}`);
      }
      assert.equal(await failureOf(layer), undefined);
    });
  }

  test("with any bytes changed is extracted or refused, and nothing else", async () => {
    const change = fc.tuple(fc.nat({ max: small.length - 1 }), fc.nat({ max: 255 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 6 }),
        fc.constantFrom(1, 300, 100_000),
        async (changes, chunkBytes) => {
          const layer = Buffer.from(small);
          for (const [at, byte] of changes) layer[at] = byte;
          await failureOf(layer, digestOf(layer), Math.max(chunkBytes, 64));
        },
      ),
      { numRuns: 30 },
    );
  });
});
