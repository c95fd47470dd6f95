import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LogSectionEvent } from "./log-section-event.ts";
import { createLogSectionParser, type LogSectionParserOptions } from "./log-section-parser.ts";

const terminator = "\r\u001b[0K";
const start = (name: string, seconds = 1755820800) => `section_start:${seconds}:${name}${terminator}`;
const end = (name: string, seconds = 1755820801) => `section_end:${seconds}:${name}${terminator}`;

/** Events in short: `+name@seconds[options]` and `-name@seconds`. */
function short(event: LogSectionEvent): string {
  if (event.kind === "end") return `-${event.name}@${event.unixSeconds}`;
  const options = [...event.options].map(([key, value]) => `${key}=${value}`).join(",");
  return `+${event.name}@${event.unixSeconds}${options && `[${options}]`}`;
}

function parse(chunks: readonly Uint8Array[], options?: LogSectionParserOptions): string[] {
  const parser = createLogSectionParser(options);
  return chunks.flatMap((chunk) => parser.push(chunk).map(short));
}

const logs: { name: string; log: string; expected: string[] }[] = [
  {
    name: "a section with its heading",
    log: `${start("a")}\u001b[0KHello\nwork\n${end("a")}`,
    expected: ["+a@1755820800", "-a@1755820801"],
  },
  { name: "all characters of a name", log: start("Az09_.-"), expected: ["+Az09_.-@1755820800"] },
  { name: "an option", log: start("a[collapsed=true]"), expected: ["+a@1755820800[collapsed=true]"] },
  {
    name: "two options",
    log: start("a[hide_duration=true,collapsed=true]"),
    expected: ["+a@1755820800[hide_duration=true,collapsed=true]"],
  },
  { name: "two options with a space", log: start("a[x=1, y=2]"), expected: ["+a@1755820800[x=1,y=2]"] },
  {
    name: "markers one after the other",
    log: `text${end("a")}${start("b")}text`,
    expected: ["-a@1755820801", "+b@1755820800"],
  },
  {
    name: "markers that do not balance",
    log: `${end("a")}${start("b")}${start("b")}${end("c")}`,
    expected: ["-a@1755820801", "+b@1755820800", "+b@1755820800", "-c@1755820801"],
  },
  {
    name: "a marker right after garbage that begins like one",
    log: `section_section_start:1:section_${start("a")}`,
    expected: ["+a@1755820800"],
  },
  { name: "a marker behind colours and text", log: `\u001b[32;1m$ make ${start("a")}`, expected: ["+a@1755820800"] },
  {
    name: "a marker that a script only echoes as source",
    log: `$ echo -e "section_start:\`date +%s\`:a\\r\\e[0K"\n`,
    expected: [],
  },
  { name: "no terminator", log: "section_start:1:a\n", expected: [] },
  { name: "half a terminator", log: "section_start:1:a\r\u001b[0m", expected: [] },
  { name: "no seconds", log: `section_start::a${terminator}section_start:x:a${terminator}`, expected: [] },
  { name: "seconds beyond all measure", log: start("a", 0).replace(":0:", `:${"9".repeat(16)}:`), expected: [] },
  { name: "no name", log: start(""), expected: [] },
  { name: "a name with a space", log: start("a b"), expected: [] },
  { name: "malformed options", log: `${start("a[collapsed]")}${start("a[]")}${start("a[x=1")}`, expected: [] },
  { name: "another kind", log: `section_middle:1:a${terminator}`, expected: [] },
  { name: "a name that does not end", log: `${start("a".repeat(5000))}${start("b")}`, expected: ["+b@1755820800"] },
  { name: "bytes that are no UTF-8 are no hindrance", log: `\u00ff\u00fe${start("a")}`, expected: ["+a@1755820800"] },
];

for (const { name, log, expected } of logs) {
  const bytes = Buffer.from(log, "latin1");
  test(`log sections: ${name}`, () => assert.deepEqual(parse([bytes]), expected));
  test(`log sections, one byte at a time: ${name}`, () => {
    assert.deepEqual(
      parse(
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
        { format: "raw" },
      ),
      expected,
    );
  });
  test(`log sections behind timestamps: ${name}`, () => {
    assert.deepEqual(parse([Buffer.from(timestamped([{ stream: "01O", text: log }]), "latin1")]), expected);
  });
}

test("the first lines of the reference, with headers and continued lines", () => {
  const log = [
    `2026-08-22T00:00:00.000001Z 00O section_start:1755820800:prepare_executor${terminator}`,
    '2026-08-22T00:00:00.000002Z 00O+\u001b[0K\u001b[36;1mPreparing the "shell" executor\u001b[0;m\u001b[0;m',
    "2026-08-22T00:00:00.000003Z 00O \u001b[0KUsing Shell (bash) executor...\u001b[0;m",
    `2026-08-22T00:00:00.000004Z 00O section_end:1755820801:prepare_executor${terminator}`,
    `2026-08-22T00:00:00.000005Z 00O+section_start:1755820801:prepare_script${terminator}`,
    "",
  ].join("\n");
  assert.deepEqual(parse([Buffer.from(log)]), [
    "+prepare_executor@1755820800",
    "-prepare_executor@1755820801",
    "+prepare_script@1755820801",
  ]);
});

test("a marker that a line border cuts in two is put together per stream", () => {
  const header = (stream: string, flag: string) => `2026-08-22T00:00:00.000001Z ${stream}${flag}`;
  const log = `${header("01O", " ")}x section_sta\n${header("01E", " ")}noise\n${header("01O", "+")}rt:7:a${terminator}\n${header("01O", " ")}rt:8:b${terminator}\n`;
  assert.deepEqual(parse([Buffer.from(log)]), ["+a@7"]);
});

test("a marker of fewer bytes than a header is told as soon as it is there", () => {
  assert.deepEqual(parse([Buffer.from(`section_start:1:a${terminator}`)]), ["+a@1"]);
});

test("lines without a header in a timestamped log are text like any other", () => {
  const log = `2026-08-22T00:00:00.000001Z 01O x\nshort\n${start("a")}\n\n2026-08-22T00:00:00.000001Z 01O ${end("a")}\n`;
  assert.deepEqual(parse([Buffer.from(log)]), ["+a@1755820800", "-a@1755820801"]);
});

/** GitLab's own expression for markers, over the whole text: what an independent reader of the log finds. */
const gitlabPattern =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a marker ends with one
  /section_(start|end):(\d{1,15}):([a-zA-Z0-9_.-]+)(\[(?:\w+=\w+)(?:, ?(?:\w+=\w+))*\])?\r\u001b\[0K/g;

function oracle(log: string): string[] {
  return [...log.matchAll(gitlabPattern)].map(([, kind, seconds, name, options = ""]) =>
    kind === "start" ? `+${name}@${Number(seconds)}${options.replace(", ", ",")}` : `-${name}@${Number(seconds)}`,
  );
}

const anyPiece = fc.oneof(
  fc.constantFrom(
    start("a"),
    end("a"),
    start("b[collapsed=true]"),
    start("c[x=1, y=2]"),
    "section_",
    "section_start:",
    ":1:",
    "\r",
    "\u001b[0K",
    "\n",
    "a",
    "[",
    "]",
    "=",
    "s",
    "se",
  ),
  fc.string({ maxLength: 12 }),
);
const anyLog = fc.array(anyPiece, { maxLength: 30 }).map((pieces) => Buffer.from(pieces.join("")).toString("latin1"));

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const borders = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return borders.map((border, index) => bytes.subarray(borders[index - 1] ?? 0, border));
}

test("wherever a log is cut, its markers are those that GitLab sees in the whole", () => {
  fc.assert(
    fc.property(anyLog, fc.array(fc.nat(), { maxLength: 12 }), (log, cuts) => {
      const chunks = cutAt(Buffer.from(log, "latin1"), cuts);
      assert.deepEqual(parse(chunks, { format: "raw" }), oracle(log));
      assert.deepEqual(parse(chunks), parse([Buffer.from(log, "latin1")]));
    }),
    { numRuns: 400 },
  );
});

test("wherever a timestamped log is cut, its markers are those of its streams", () => {
  const anyWrites = fc.array(
    fc.record({ stream: fc.constantFrom("00O", "01O", "01E", "0fO"), text: anyLog.filter((log) => log !== "") }),
    { minLength: 1, maxLength: 8 },
  );
  fc.assert(
    fc.property(anyWrites, fc.array(fc.nat(), { maxLength: 12 }), (writes, cuts) => {
      const chunks = cutAt(Buffer.from(timestamped(writes), "latin1"), cuts);
      const textByStream = Map.groupBy(writes, ({ stream }) => stream);
      const expected = [...textByStream.values()].flatMap((own) => oracle(own.map(({ text }) => text).join("")));
      assert.deepEqual(parse(chunks).sort(), expected.sort());
    }),
    { numRuns: 300 },
  );
});

test("sixty-four megabytes that never become a marker are not kept", () => {
  const parser = createLogSectionParser();
  const chunk = Buffer.alloc(
    1 << 20,
    "section_start:1:aaaaaaaa section_ and so on and on and on and on, a log like any other log\n",
  );
  const before = process.memoryUsage().rss;
  for (let megabytes = 0; megabytes < 64; megabytes += 1) parser.push(chunk);
  assert.ok(process.memoryUsage().rss - before < 64 << 20);
});

/**
 * The writer of runner-protocol.md §2.4.4, in short: a write goes out up to its last line feed; a rest with a carriage
 * return goes out at once and is continued, any other waits for more text of its stream.
 */
function timestamped(writes: readonly { stream: string; text: string }[]): string {
  const pending = new Map<string, { text: string; flag: string }>();
  const out: string[] = [];
  const emit = (stream: string, flag: string, text: string) =>
    out.push(`2026-08-22T00:00:00.000001Z ${stream}${flag}${text}\n`);
  for (const { stream, text } of writes) {
    const state = pending.get(stream) ?? { text: "", flag: " " };
    const lines = (state.text + text).split("\n");
    const rest = lines.pop() ?? "";
    for (const line of lines) {
      emit(stream, state.flag, line);
      state.flag = " ";
    }
    state.text = rest;
    if (rest.includes("\r")) {
      emit(stream, state.flag, rest);
      Object.assign(state, { text: "", flag: "+" });
    }
    pending.set(stream, state);
  }
  for (const [stream, { text, flag }] of pending) if (text !== "") emit(stream, flag, text);
  return out.join("");
}
