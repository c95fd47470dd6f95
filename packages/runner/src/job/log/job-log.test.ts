import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { createJobLog, type JobLogOptions } from "./job-log.ts";
import { createJobLogBuffer, type JobLogBuffer } from "./job-log-buffer.ts";

function options(buffer: JobLogBuffer, changes: Partial<JobLogOptions> = {}): JobLogOptions {
  const now = () => Date.UTC(2026, 7, 22) * 1000;
  return { buffer, maskRules: { phrases: [] }, hasTimestamps: false, hasSections: true, now, ...changes };
}

async function textOf(buffer: JobLogBuffer): Promise<string> {
  return Buffer.from(await buffer.read(0, buffer.byteLength)).toString();
}

/** Cuts bytes at the given places, in any order. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

describe("the job log", () => {
  test("a secret is masked before timestamps, wherever the output is cut", async () => {
    const output = Buffer.from("key=hunter2-é\nprogress\rhunter2-é done\n");
    const property = fc.asyncProperty(fc.array(fc.nat(), { maxLength: 6 }), async (places) => {
      await using buffer = createJobLogBuffer();
      const maskRules = { phrases: ["hunter2-é", "hunter"] };
      const stream = createJobLog(options(buffer, { maskRules, hasTimestamps: true })).openStream("stdout");
      for (const chunk of cut(output, places)) await stream.write(chunk);
      stream.end();
      const log = await textOf(buffer);
      assert.equal(log.includes("hunter"), false);
      assert.equal(log.match(/\[MASKED\]/g)?.length, 2);
    });
    await fc.assert(property);
  });

  test("what is no UTF-8 becomes U+FFFD, and characters cut in two stay whole", async () => {
    const output = Buffer.concat([Buffer.from("ä€😀"), Buffer.from([0xff, 0x41, 0xe2, 0x82]), Buffer.from("\n")]);
    const property = fc.asyncProperty(fc.array(fc.nat(), { maxLength: 6 }), async (places) => {
      await using buffer = createJobLogBuffer();
      const stream = createJobLog(options(buffer)).openStream("stdout");
      for (const chunk of cut(output, places)) await stream.write(chunk);
      stream.end();
      assert.equal(await textOf(buffer), "ä€😀\uFFFDA\uFFFD\n");
    });
    await fc.assert(property);
  });

  test("runner lines, headings and markers have GitLab's bytes (runner-protocol.md §2.4)", async () => {
    await using buffer = createJobLogBuffer();
    const lines = createJobLog(options(buffer)).openLines();
    lines.plain("plain");
    lines.info("info");
    lines.warning("careful");
    lines.error("broken");
    lines.startSection("get_sources", "Getting source from Git repository");
    lines.endSection("get_sources");
    lines.end();
    const seconds = Date.UTC(2026, 7, 22) / 1000;
    assert.equal(
      await textOf(buffer),
      "\x1b[0Kplain\x1b[0;m\n\x1b[32;1minfo\x1b[0;m\n\x1b[0;33mWARNING: careful\x1b[0;m\n\x1b[31;1mERROR: broken\x1b[0;m\n" +
        `section_start:${seconds}:get_sources\r\x1b[0K\x1b[0K\x1b[36;1mGetting source from Git repository\x1b[0;m\x1b[0;m\n` +
        `section_end:${seconds}:get_sources\r\x1b[0K`,
    );
  });

  test("without sections, headings stay and markers go", async () => {
    await using buffer = createJobLogBuffer();
    const lines = createJobLog(options(buffer, { hasSections: false })).openLines();
    lines.startSection("get_sources", "Heading");
    lines.endSection("get_sources");
    assert.equal(await textOf(buffer), "\x1b[0K\x1b[36;1mHeading\x1b[0;m\x1b[0;m\n");
  });
});

describe("the job log's buffer", () => {
  test("any part can be read again, while it grows beyond memory", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 60_000 }), { maxLength: 12 });
    const property = fc.asyncProperty(
      sizes,
      fc.nat(),
      fc.integer({ min: 8_000, max: 100_000 }),
      async (all, from, length) => {
        await using buffer = createJobLogBuffer();
        const parts = all.map((size, index) => Buffer.alloc(size, 97 + (index % 26)));
        for (const part of parts) {
          buffer.append(part);
          await buffer.drained();
        }
        const whole = Buffer.concat(parts);
        const offset = whole.length === 0 ? 0 : from % whole.length;
        // A read may give less than was asked for, but it never skips and it comes to the end.
        const read: Uint8Array[] = [];
        let at = offset;
        for (;;) {
          const bytes = await buffer.read(at, length);
          if (bytes.length === 0) break;
          read.push(bytes);
          at += bytes.length;
        }
        assert.equal(Buffer.concat(read).equals(whole.subarray(offset)), true);
        assert.equal(buffer.crc32(), crc32(whole).toString(16).padStart(8, "0"));
      },
    );
    await fc.assert(property, { numRuns: 20 });
  });

  test("at the limit the log is cut at a character and says so, once (runner-protocol.md §2.10)", async () => {
    await using buffer = createJobLogBuffer({ limitBytes: 8 });
    buffer.append(Buffer.from("12345"));
    buffer.append(Buffer.from("6é€"));
    buffer.append(Buffer.from("more"));
    const notice =
      "\n\x1b[33;1mJob's log exceeded limit of 8 bytes.\n" +
      "Job execution will continue but no more output will be collected.\x1b[0;m\n";
    assert.equal(await textOf(buffer), `123456é${notice}`);
    assert.equal(buffer.crc32(), crc32(`123456é${notice}`).toString(16).padStart(8, "0"));
  });
});
