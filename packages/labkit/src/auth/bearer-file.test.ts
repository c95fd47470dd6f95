import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createBearerFileSource } from "./bearer-file.ts";
import { TokenSourceError } from "./token-source.ts";

const request = { url: new URL("https://collector.example.com"), signal: new AbortController().signal };

describe("a bearer token from a file", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "labkit-token-"));
  });
  after(() => rm(folder, { recursive: true }));

  test("is the trimmed content, and the new one when the file was replaced", async () => {
    const path = join(folder, "token");
    await writeFile(path, "first\n");
    const source = createBearerFileSource(path);
    assert.deepEqual(await source.headers(request), { authorization: "Bearer first" });
    await writeFile(`${path}.new`, "other");
    await rename(`${path}.new`, path);
    assert.deepEqual(await source.headers(request), { authorization: "Bearer other" });
  });

  test("is to be had later when the file is not there yet", async () => {
    const path = join(folder, "late");
    const source = createBearerFileSource(path);
    await assert.rejects(source.headers(request), {
      name: "TokenSourceError",
      retryable: true,
      message: /late.*ENOENT/,
    });
    await writeFile(path, "now");
    assert.deepEqual(await source.headers(request), { authorization: "Bearer now" });
  });

  for (const [name, content] of [
    ["empty", " \n"],
    ["of two lines", "a\r\nx-forged: b"],
    ["too large", "a".repeat(100_000)],
  ] as const) {
    test(`is refused when the file is ${name}, without showing it`, async () => {
      const path = join(folder, "bad");
      await writeFile(path, content);
      await assert.rejects(createBearerFileSource(path).headers(request), (error: Error) => {
        assert.ok(error instanceof TokenSourceError && !error.retryable);
        assert.doesNotMatch(error.message, /forged|aaaa/);
        return true;
      });
    });
  }
});
