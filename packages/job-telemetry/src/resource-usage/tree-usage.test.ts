import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProcessReading } from "./proc-files.ts";
import { parseProcess } from "./proc-files.ts";
import { TreeUsage } from "./tree-usage.ts";

/** A process below this one unless `parentPid` says otherwise. */
function aProcess(pid: number, reading: Partial<ProcessReading> = {}): ProcessReading {
  return {
    pid,
    parentPid: process.pid,
    startTicks: `${pid}`,
    ownCpuS: 0,
    waitedCpuS: 0,
    residentBytes: 0,
    peakResidentBytes: 0,
    ...reading,
  };
}

function usageOf(...looks: ProcessReading[][]): TreeUsage {
  const usage = new TreeUsage();
  for (const look of looks) usage.add(new Map(look.map((reading) => [reading.pid, reading])));
  return usage;
}

const root = 1_000_001;
const child = 1_000_002;
const orphan = 1_000_003;

test("the living count with what they waited for", () => {
  const usage = usageOf([
    aProcess(root, { ownCpuS: 1, waitedCpuS: 2 }),
    aProcess(child, { parentPid: root, ownCpuS: 4 }),
  ]);
  assert.equal(usage.cpuS, 7);
});

test("a child that ended and was waited for counts once", () => {
  const usage = usageOf(
    [aProcess(root), aProcess(child, { parentPid: root, ownCpuS: 4 })],
    [aProcess(root, { waitedCpuS: 5 })],
  );
  assert.equal(usage.cpuS, 5);
});

test("a child that ended on its way to its parent's account is not taken back", () => {
  const usage = usageOf([aProcess(root), aProcess(child, { parentPid: root, ownCpuS: 4 })], [aProcess(root)]);
  assert.equal(usage.cpuS, 4);
});

test("what an orphan used stays when it ends, beside what the rest goes on to use", () => {
  const looks = [
    [aProcess(root), aProcess(orphan, { parentPid: 1, ownCpuS: 3 })],
    [aProcess(root, { ownCpuS: 1 })],
    [aProcess(root, { ownCpuS: 2 })],
  ];
  assert.equal(usageOf(...looks).cpuS, 5);
});

test("the root itself is no orphan: it is waited for", () => {
  assert.equal(usageOf([aProcess(root, { ownCpuS: 3 })], []).cpuS, 3);
});

test("memory is the highest sum that a look found", () => {
  const looks = [
    [aProcess(root, { residentBytes: 10 }), aProcess(child, { parentPid: root, residentBytes: 20 })],
    [aProcess(root, { residentBytes: 15 })],
  ];
  assert.equal(usageOf(...looks).peakBytes, 30);
});

test("a process that was larger between two looks says so", () => {
  assert.equal(usageOf([aProcess(root, { residentBytes: 10, peakResidentBytes: 99 })]).peakBytes, 99);
});

test("a process cannot confuse the reader by its name", () => {
  const stat =
    "42 (a) S 9 9 9) R 7 42 42 0 -1 4194560 1 2 3 4 150 50 25 75 20 0 1 0 12345 1000 380 18446744073709551615";
  const status = "Name:\tVmHWM: 1 kB\nState:\tR (running)\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
  assert.deepEqual(parseProcess(stat, status), {
    pid: 42,
    parentPid: 7,
    startTicks: "12345",
    ownCpuS: 2,
    waitedCpuS: 1,
    residentBytes: 1024 * 1024,
    peakResidentBytes: 2048 * 1024,
  });
});

test("a process that has ended but was not waited for has times and no memory", () => {
  const reading = parseProcess(
    "42 (x) Z 7 42 42 0 -1 0 0 0 0 0 10 0 0 0 20 0 1 0 5 0 0",
    "Name:\tx\nState:\tZ (zombie)\n",
  );
  assert.deepEqual([reading.ownCpuS, reading.residentBytes], [0.1, 0]);
});
