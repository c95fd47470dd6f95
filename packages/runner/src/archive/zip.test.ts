import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { chmod, lstat, mkdir, mkdtemp, readFile, readlink, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { collectFiles } from "./collect-files.ts";
import { extractZip } from "./extract-zip.ts";
import { createGzipStream } from "./write-gzip.ts";
import { createZipStream } from "./write-zip.ts";

describe("archives", () => {
  let root: string;
  const signal = new AbortController().signal;
  const silent = { info() {}, warning() {} };

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), "jobscope-archive-test-"));
  });

  afterEach(() => rm(root, { recursive: true }));

  async function collect(directory: string, paths: readonly string[]) {
    const selection = { directory, paths, exclude: [], includesUntracked: false, environment: {} };
    return collectFiles({ ...selection, report: silent, signal });
  }

  async function zip(directory: string, paths: readonly string[], file: string): Promise<void> {
    const files = await collect(directory, paths);
    await pipeline(await createZipStream({ directory, files, deflateLevel: 5 }), createWriteStream(file));
  }

  /** A zip archive with one stored file of any name, which no well-behaved program would write. */
  function hostileZip(name: string, content: string, unixMode = 0o100644): Buffer {
    const data = Buffer.from(content);
    const nameBytes = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(data.length, 22);
    local.writeUInt16LE(nameBytes.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE((3 << 8) | 20, 4);
    central.writeUInt32LE(data.length, 20);
    central.writeUInt32LE(data.length, 24);
    central.writeUInt16LE(nameBytes.length, 28);
    central.writeUInt32LE((unixMode << 16) >>> 0, 38);
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(1, 8);
    end.writeUInt16LE(1, 10);
    end.writeUInt32LE(central.length + nameBytes.length, 12);
    end.writeUInt32LE(local.length + nameBytes.length + data.length, 16);
    return Buffer.concat([local, nameBytes, data, central, nameBytes, end]);
  }

  test("files come back with content, mode and time, links as links", async () => {
    const from = path.join(root, "from");
    const to = path.join(root, "to");
    await mkdir(path.join(from, "dir/empty"), { recursive: true });
    await writeFile(path.join(from, "dir/run.sh"), "#!/bin/sh\n");
    await chmod(path.join(from, "dir/run.sh"), 0o750);
    await writeFile(path.join(from, "dir/größe"), Buffer.alloc(300_000, "x"));
    await symlink("run.sh", path.join(from, "dir/link"));
    const time = new Date("2024-02-03T04:05:06Z");
    for (const name of ["dir/run.sh", "dir/empty", "dir"]) await utimes(path.join(from, name), time, time);
    await zip(from, ["dir"], path.join(root, "a.zip"));

    await extractZip({ file: path.join(root, "a.zip"), directory: to, report: silent, signal });
    const stats = await lstat(path.join(to, "dir/run.sh"));
    assert.equal(stats.mode & 0o777, 0o750);
    assert.equal(stats.mtime.getTime(), time.getTime());
    assert.equal((await lstat(path.join(to, "dir/empty"))).mtime.getTime(), time.getTime());
    assert.equal((await lstat(path.join(to, "dir"))).mtime.getTime(), time.getTime());
    assert.equal(await readlink(path.join(to, "dir/link")), "run.sh");
    assert.equal((await readFile(path.join(to, "dir/größe"))).length, 300_000);
  });

  test("what is there is replaced, and not written through", async () => {
    const from = path.join(root, "from");
    const to = path.join(root, "to");
    await mkdir(from);
    await mkdir(to);
    await writeFile(path.join(from, "file"), "new");
    await zip(from, ["file"], path.join(root, "a.zip"));
    await writeFile(path.join(root, "outside"), "old");
    await symlink("../outside", path.join(to, "file"));
    await extractZip({ file: path.join(root, "a.zip"), directory: to, report: silent, signal });
    assert.equal(await readFile(path.join(to, "file"), "utf8"), "new");
    assert.equal(await readFile(path.join(root, "outside"), "utf8"), "old");
  });

  for (const name of ["../evil", "a/../../evil", "/evil", "a/..", "a\\..\\..\\evil"]) {
    test(`the name ${JSON.stringify(name)} is refused`, async () => {
      const to = path.join(root, "to");
      await writeFile(path.join(root, "a.zip"), hostileZip(name, "x"));
      await assert.rejects(extractZip({ file: path.join(root, "a.zip"), directory: to, report: silent, signal }), {
        code: "ARCHIVE_FAILED",
      });
      await assert.rejects(lstat(path.join(root, "evil")), { code: "ENOENT" });
    });
  }

  test("a link of the work tree that leads out is no way out", async () => {
    const to = path.join(root, "to");
    await mkdir(to);
    await mkdir(path.join(root, "outside"));
    await symlink("../outside", path.join(to, "dir"));
    await writeFile(path.join(root, "a.zip"), hostileZip("dir/evil", "x"));
    await assert.rejects(extractZip({ file: path.join(root, "a.zip"), directory: to, report: silent, signal }), {
      message: /leads out of the directory/,
    });
    await assert.rejects(lstat(path.join(root, "outside/evil")), { code: "ENOENT" });
  });

  test("bits that give a file its owner's rights are not taken over", async () => {
    const to = path.join(root, "to");
    await writeFile(path.join(root, "a.zip"), hostileZip("tool", "", 0o104755));
    await extractZip({ file: path.join(root, "a.zip"), directory: to, report: silent, signal });
    assert.equal((await lstat(path.join(to, "tool"))).mode & 0o7777, 0o755);
  });

  test("damaged content is noticed", async () => {
    const damaged = hostileZip("file", "content");
    await writeFile(path.join(root, "a.zip"), damaged);
    await assert.rejects(
      extractZip({ file: path.join(root, "a.zip"), directory: path.join(root, "to"), report: silent, signal }),
      { message: "zip: file: checksum error" },
    );
  });

  test("what is no archive is said to be none", async () => {
    await writeFile(path.join(root, "a.zip"), "no zip");
    await assert.rejects(
      extractZip({ file: path.join(root, "a.zip"), directory: path.join(root, "to"), report: silent, signal }),
      { message: "zip: not a valid zip file" },
    );
  });

  test("any file comes back as it was", async () => {
    const contents = fc.dictionary(
      fc.stringMatching(/^[a-zäß][a-z0-9 ._-]{0,12}$/),
      fc.uint8Array({ maxLength: 2_000 }),
      { minKeys: 1, maxKeys: 5 },
    );
    let run = 0;
    const property = fc.asyncProperty(contents, async (files) => {
      run += 1;
      const from = path.join(root, `from-${run}`);
      const to = path.join(root, `to-${run}`);
      await mkdir(from);
      for (const [name, content] of Object.entries(files)) await writeFile(path.join(from, name), content);
      await zip(from, ["."], path.join(root, `${run}.zip`));
      await extractZip({ file: path.join(root, `${run}.zip`), directory: to, report: silent, signal });
      for (const [name, content] of Object.entries(files)) {
        assert.deepEqual(await readFile(path.join(to, name)), Buffer.from(content));
      }
    });
    await fc.assert(property, { numRuns: 15 });
  });

  test("gzip members name their files and come one after the other", async () => {
    await mkdir(path.join(root, "reports"));
    await writeFile(path.join(root, "reports/a.xml"), "<a/>");
    await writeFile(path.join(root, "reports/ü.xml"), "<u/>");
    const files = await collect(root, ["reports"]);
    const bytes = await buffer(createGzipStream({ directory: root, files, deflateLevel: 5 }));
    assert.equal(gunzipSync(bytes).toString(), "<a/><u/>");
    assert.ok(bytes.includes("a.xml\0reports/a.xml\0"));
    assert.ok(bytes.includes("e:%C3%BC.xml\0e:reports%2F%C3%BC.xml\0"));
  });
});
