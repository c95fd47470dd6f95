import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { measureProcessTree } from "./measure-process-tree.ts";

const skip = process.platform === "linux" ? false : "process trees are measured on Linux only";
const node = JSON.stringify(process.execPath);

/** Works for 200 ms of CPU time, then tells how much it took in all. */
const burn = "while(process.cpuUsage().user<2e5);const{user,system}=process.cpuUsage();console.log((user+system)/1e6)";
/** Holds 96 MiB, says so, and ends with its input. */
const hold = "const held=Buffer.alloc(96<<20,1);console.log(held.length);process.stdin.resume()";

function runShell(script: string): ChildProcess & { pid: number } {
  const child = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"], detached: true });
  assert.ok(child.pid !== undefined);
  return child as ChildProcess & { pid: number };
}

async function firstOutput(child: ChildProcess): Promise<string> {
  const [chunk] = await once(child.stdout as NodeJS.ReadableStream, "data");
  return String(chunk);
}

async function readAll(child: ChildProcess): Promise<string> {
  let text = "";
  child.stdout?.on("data", (chunk) => {
    text += chunk;
  });
  await once(child, "close");
  return text;
}

test("CPU time of processes that were waited for is the kernel's sum", { skip }, async () => {
  const child = runShell(`${node} -e '${burn}' & ${node} -e '${burn}' & wait`);
  const meter = measureProcessTree(child.pid);
  const reported = (await readAll(child)).trim().split("\n").map(Number);
  const { cpuTimeS = 0 } = meter.stop();
  const toldS = reported.reduce((sum, each) => sum + each, 0);
  assert.equal(reported.length, 2);
  // A process goes on a little after it tells: it has to end.
  assert.ok(cpuTimeS > toldS - 0.05 && cpuTimeS < toldS + 0.5, `${cpuTimeS} s measured, ${toldS} s told`);
});

test("memory is that of the whole tree, also when it is freed before the end", { skip }, async () => {
  const child = runShell(`${node} -e '${hold}'; true`);
  const meter = measureProcessTree(child.pid);
  await firstOutput(child);
  meter.look();
  child.stdin?.end();
  await once(child, "exit");
  const { memoryPeakBytes = 0 } = meter.stop();
  assert.ok(memoryPeakBytes > 96 << 20 && memoryPeakBytes < 400 << 20, `${memoryPeakBytes} bytes`);
});

test("a process that idles uses nothing, and stopping twice tells the same", { skip }, async () => {
  const child = runShell("read line");
  const meter = measureProcessTree(child.pid);
  meter.look();
  child.stdin?.end("\n");
  await once(child, "exit");
  const usage = meter.stop();
  assert.ok((usage.cpuTimeS ?? 1) <= 0.02);
  assert.deepEqual(meter.stop(), usage);
  meter.look();
  assert.deepEqual(meter.stop(), usage);
});

test("a process that does not exist has no memory", { skip }, () => {
  const meter = measureProcessTree(2 ** 30);
  meter.look();
  assert.deepEqual(meter.stop(), { cpuTimeS: 0, memoryPeakBytes: undefined });
});
