import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, describe, test } from "node:test";
import { gunzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { pack } from "tar-stream";
import { collectFiles } from "./collect-files.ts";
import type { CompressionLevel } from "./compression-level.ts";
import { createArchiveStream, type WritableFormat } from "./create-archive-stream.ts";
import { extractArchive } from "./extract-archive.ts";
import { readTarZstd } from "./read-tar-zstd.ts";
import { createGzipStream } from "./write-gzip.ts";
import { centralRecord, dataDescriptor, endRecords } from "./zip-records.ts";

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

  async function archive(
    directory: string,
    paths: readonly string[],
    file: string,
    { format = "zip", level = "default" }: { format?: WritableFormat; level?: CompressionLevel } = {},
  ): Promise<void> {
    const files = await collect(directory, paths);
    await pipeline(createArchiveStream(format, { directory, files, level }), createWriteStream(file));
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

  const isRoot = process.getuid?.() === 0;
  const formats = (["zip", "zipzstd", "tarzstd"] as const).map((format) => ({ format, level: "default" as const }));
  for (const { format, level } of [...formats, { format: "zip", level: "fastest" } as const]) {
    test(`files of ${format} (${level}) come back with content, mode, time and owner, links as links`, async () => {
      const from = path.join(root, "from");
      const to = path.join(root, "to");
      await mkdir(path.join(from, "dir/empty"), { recursive: true });
      await writeFile(path.join(from, "dir/run.sh"), "#!/bin/sh\n");
      await chmod(path.join(from, "dir/run.sh"), 0o750);
      if (isRoot) await chown(path.join(from, "dir/run.sh"), 1234, 2345);
      await writeFile(path.join(from, "dir/nothing"), "");
      await writeFile(path.join(from, "dir/größe"), Buffer.alloc(1_000_000, "large"));
      await symlink("run.sh", path.join(from, "dir/link"));
      const time = new Date("2024-02-03T04:05:06Z");
      for (const name of ["dir/run.sh", "dir/empty", "dir"]) await utimes(path.join(from, name), time, time);
      const file = path.join(root, "archive");
      await archive(from, ["dir"], file, { format, level });

      assert.deepEqual(await extractArchive({ file, directory: to, report: silent, signal }), { files: 6 });
      const stats = await lstat(path.join(to, "dir/run.sh"));
      assert.equal(stats.mode & 0o777, 0o750);
      assert.equal(stats.mtime.getTime(), time.getTime());
      if (isRoot) assert.deepEqual([stats.uid, stats.gid], [1234, 2345]);
      assert.equal((await lstat(path.join(to, "dir/empty"))).mtime.getTime(), time.getTime());
      assert.equal((await lstat(path.join(to, "dir"))).mtime.getTime(), time.getTime());
      assert.equal(await readlink(path.join(to, "dir/link")), "run.sh");
      assert.equal((await readFile(path.join(to, "dir/nothing"))).length, 0);
      assert.deepEqual(await readFile(path.join(to, "dir/größe")), Buffer.alloc(1_000_000, "large"));
    });
  }

  /** Programs that know the formats from elsewhere; skipped where a machine lacks them. */
  const otherPrograms = [
    { format: "zip", list: ["unzip", "-tq"], says: /No errors detected in compressed data/ },
    { format: "tarzstd", list: ["tar", "--zstd", "-tf"], says: /^a\/\na\/large\na\/small\n$/ },
  ] as const;
  for (const { format, list, says } of otherPrograms) {
    const [program, ...words] = list;
    const isThere = spawnSync(program, ["--help"]).error === undefined;
    test(`${program} reads ${format}`, { skip: isThere ? false : `there is no ${program}` }, async () => {
      await mkdir(path.join(root, "a"));
      await writeFile(path.join(root, "a/small"), "small");
      await writeFile(path.join(root, "a/large"), randomBytes(700_000));
      const file = path.join(root, "archive.zip");
      await archive(root, ["a"], file, { format });
      const { status, stdout, stderr } = spawnSync(program, [...words, file], { encoding: "utf8" });
      assert.equal(status, 0, stderr);
      assert.match(stdout, says);
    });
  }

  test("a file that cannot be read ends the archive with that", async () => {
    await writeFile(path.join(root, "small"), "x");
    await writeFile(path.join(root, "large"), Buffer.alloc(600_000));
    for (const name of ["small", "large"]) {
      for (const format of ["zip", "zipzstd", "tarzstd"] as const) {
        const files = await collect(root, [name]);
        await rename(path.join(root, name), path.join(root, "gone"));
        const reading = buffer(createArchiveStream(format, { directory: root, files, level: "default" }));
        await assert.rejects(reading, { code: "ENOENT" }, `${name} ${format}`);
        await rename(path.join(root, "gone"), path.join(root, name));
      }
    }
  });

  test("what is there is replaced, and not written through", async () => {
    const from = path.join(root, "from");
    const to = path.join(root, "to");
    await mkdir(from);
    await mkdir(to);
    await writeFile(path.join(from, "file"), "new");
    await archive(from, ["file"], path.join(root, "a.zip"));
    await writeFile(path.join(root, "outside"), "old");
    await symlink("../outside", path.join(to, "file"));
    await extractArchive({ file: path.join(root, "a.zip"), directory: to, report: silent, signal });
    assert.equal(await readFile(path.join(to, "file"), "utf8"), "new");
    assert.equal(await readFile(path.join(root, "outside"), "utf8"), "old");
  });

  for (const name of ["../evil", "a/../../evil", "/evil", "a/..", "a\\..\\..\\evil"]) {
    test(`the name ${JSON.stringify(name)} is refused`, async () => {
      const to = path.join(root, "to");
      await writeFile(path.join(root, "a.zip"), hostileZip(name, "x"));
      await assert.rejects(extractArchive({ file: path.join(root, "a.zip"), directory: to, report: silent, signal }), {
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
    await assert.rejects(extractArchive({ file: path.join(root, "a.zip"), directory: to, report: silent, signal }), {
      message: /leads out of the directory/,
    });
    await assert.rejects(lstat(path.join(root, "outside/evil")), { code: "ENOENT" });
  });

  test("bits that give a file its owner's rights are not taken over", async () => {
    const to = path.join(root, "to");
    await writeFile(path.join(root, "a.zip"), hostileZip("tool", "", 0o104755));
    await extractArchive({ file: path.join(root, "a.zip"), directory: to, report: silent, signal });
    assert.equal((await lstat(path.join(to, "tool"))).mode & 0o7777, 0o755);
  });

  test("damaged content is noticed", async () => {
    const damaged = hostileZip("file", "content");
    await writeFile(path.join(root, "a.zip"), damaged);
    await assert.rejects(
      extractArchive({ file: path.join(root, "a.zip"), directory: path.join(root, "to"), report: silent, signal }),
      { message: "zip: file: checksum error" },
    );
  });

  test("what is no archive is said to be none", async () => {
    await writeFile(path.join(root, "a.zip"), "no zip");
    await assert.rejects(
      extractArchive({ file: path.join(root, "a.zip"), directory: path.join(root, "to"), report: silent, signal }),
      { message: "zip: not a valid zip file" },
    );
  });

  test("any file comes back as it was, from any format", async () => {
    const contents = fc.dictionary(
      fc.stringMatching(/^[a-zäß][a-z0-9 ._-]{0,12}$/),
      fc.uint8Array({ maxLength: 2_000 }),
      { minKeys: 1, maxKeys: 5 },
    );
    const format = fc.constantFrom<WritableFormat>("zip", "zipzstd", "tarzstd");
    let run = 0;
    const property = fc.asyncProperty(contents, format, async (files, format) => {
      run += 1;
      const from = path.join(root, `from-${run}`);
      const to = path.join(root, `to-${run}`);
      await mkdir(from);
      for (const [name, content] of Object.entries(files)) await writeFile(path.join(from, name), content);
      const file = path.join(root, `${run}.archive`);
      await archive(from, ["."], file, { format });
      await extractArchive({ file, directory: to, report: silent, signal });
      for (const [name, content] of Object.entries(files)) {
        assert.deepEqual(await readFile(path.join(to, name)), Buffer.from(content));
      }
    });
    await fc.assert(property, { numRuns: 20 });
  });

  for (const [what, change] of [
    ["announces more than there is", (zip: Buffer) => zip.writeUInt32LE(500, zip.indexOf("504b0102", 0, "hex") + 24)],
    ["announces less than there is", (zip: Buffer) => zip.writeUInt32LE(3, zip.indexOf("504b0102", 0, "hex") + 24)],
    [
      "is of a method that nobody knows",
      (zip: Buffer) => zip.writeUInt16LE(77, zip.indexOf("504b0102", 0, "hex") + 10),
    ],
    ["has another checksum", (zip: Buffer) => zip.writeUInt32LE(77, zip.indexOf("504b0102", 0, "hex") + 16)],
  ] as const) {
    test(`an entry that ${what} is an error`, async () => {
      await writeFile(path.join(root, "entry"), "content that repeats, content that repeats");
      await archive(root, ["entry"], path.join(root, "whole"));
      const bytes = await readFile(path.join(root, "whole"));
      change(bytes);
      const file = path.join(root, "changed");
      await writeFile(file, bytes);
      const extracting = extractArchive({ file, directory: path.join(root, "to"), report: silent, signal });
      await assert.rejects(extracting, { code: "ARCHIVE_FAILED", message: /^zip: entry: / });
    });
  }

  test("a tar archive that is looked into late has all its entries", async () => {
    await writeFile(path.join(root, "a"), "a");
    const file = path.join(root, "whole");
    await archive(root, ["a"], file, { format: "tarzstd" });
    await using opened = readTarZstd(file);
    // More turns than it takes to read and decompress it.
    for (let turn = 0; turn < 50; turn += 1) await readFile(file);
    const names: string[] = [];
    for await (const { name } of opened.entries) names.push(name);
    assert.deepEqual(names, ["a"]);
  });

  test("a damaged tar archive is said to be one", async () => {
    await writeFile(path.join(root, "a"), Buffer.alloc(100_000, "a"));
    await archive(root, ["a"], path.join(root, "whole"), { format: "tarzstd" });
    const whole = await readFile(path.join(root, "whole"));
    const file = path.join(root, "cut");
    await writeFile(file, whole.subarray(0, whole.length - 20));
    await assert.rejects(extractArchive({ file, directory: path.join(root, "to"), report: silent, signal }), {
      code: "ARCHIVE_FAILED",
    });
  });

  for (const name of ["../evil", "/evil", "a/../../evil"]) {
    test(`the name ${JSON.stringify(name)} is refused in a tar archive too`, async () => {
      const tar = pack();
      tar.entry({ name }, "x");
      tar.finalize();
      const file = path.join(root, "a.tar.zst");
      await writeFile(file, zstdCompressSync(await buffer(Readable.from(tar, { objectMode: false }))));
      await assert.rejects(extractArchive({ file, directory: path.join(root, "to"), report: silent, signal }), {
        code: "ARCHIVE_FAILED",
      });
      await assert.rejects(lstat(path.join(root, "evil")), { code: "ENOENT" });
    });
  }

  /** Source: PKWARE APPNOTE §4.3.9, §4.3.14, §4.4.8. No test writes four gigabytes: the records alone are looked at. */
  test("entries and archives beyond four gigabytes have the long forms of their records", () => {
    const name = Buffer.from("large");
    const base = { name, mode: 0o100644, modified: new Date(0), uid: 0, gid: 0, method: 8, isStreamed: true, crc32: 1 };
    const large = { ...base, bytes: 2 ** 33, compressedBytes: 2 ** 32, offset: 2 ** 34 };
    const small = { ...base, bytes: 1, compressedBytes: 1, offset: 0 };
    assert.deepEqual([dataDescriptor(small).length, dataDescriptor(large).length], [16, 24]);
    assert.equal(dataDescriptor(large).readBigUInt64LE(16), 2n ** 33n);
    const record = centralRecord(large);
    assert.deepEqual(
      [20, 24, 42].map((at) => record.readUInt32LE(at)),
      Array(3).fill(0xffffffff),
    );
    const extra = record.subarray(46 + name.length);
    assert.equal(extra.readUInt16LE(0), 1);
    assert.deepEqual(
      [4, 12, 20].map((at) => extra.readBigUInt64LE(at)),
      [2n ** 33n, 2n ** 32n, 2n ** 34n],
    );
    assert.equal(centralRecord(small).readUInt32LE(24), 1);
    assert.equal(endRecords(1, 100, 1_000).length, 22);
    const end = endRecords(70_000, 100, 2 ** 35);
    assert.equal(end.length, 22 + 20 + 56);
    assert.equal(end.readBigUInt64LE(32), 70_000n);
    assert.equal(end.readBigUInt64LE(48), 2n ** 35n);
    assert.equal(end.readBigUInt64LE(56 + 8), 2n ** 35n + 100n);
  });

  test("gzip members name their files and come one after the other", async () => {
    await mkdir(path.join(root, "reports"));
    await writeFile(path.join(root, "reports/a.xml"), "<a/>");
    await writeFile(path.join(root, "reports/ü.xml"), "<u/>");
    const files = await collect(root, ["reports"]);
    const bytes = await buffer(createGzipStream({ directory: root, files, level: "default" }));
    assert.equal(gunzipSync(bytes).toString(), "<a/><u/>");
    assert.ok(bytes.includes("a.xml\0reports/a.xml\0"));
    assert.ok(bytes.includes("e:%C3%BC.xml\0e:reports%2F%C3%BC.xml\0"));
  });
});
