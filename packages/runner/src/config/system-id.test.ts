import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { readSystemId } from "./system-id.ts";

async function withDirectory(run: (directory: string, file: string) => Promise<void>) {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-system-id-"));
  try {
    await run(directory, path.join(directory, ".runner_system_id"));
  } finally {
    await rm(directory, { recursive: true });
  }
}

test("a system id is made once and kept beside the configuration", () =>
  withDirectory(async (directory, file) => {
    const { systemId } = readSystemId(directory);
    assert.match(systemId, /^[sr]_[0-9a-zA-Z]{12}$/);
    assert.equal(await readFile(file, "utf8"), systemId);
    assert.equal(readSystemId(directory).systemId, systemId);
  }));

test("a kept id that is malformed is replaced", () =>
  withDirectory(async (directory, file) => {
    await writeFile(file, "s_too-short");
    assert.match(readSystemId(directory).systemId, /^[sr]_[0-9a-zA-Z]{12}$/);
  }));

test("an id that cannot be kept is told", () => {
  const { systemId, unkept } = readSystemId("/proc/self/nothing");
  assert.match(systemId, /^[sr]_/);
  assert.ok(unkept instanceof Error);
});
