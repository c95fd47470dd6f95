import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { lookAtTree } from "./process-tree.ts";

const skip = process.platform === "linux" ? false : "there is no /proc";
const nothing = new Map();

test("an orphan belongs to the tree as long as it runs, if it was seen before", { skip }, async () => {
  const script = 'sh -c "sleep 60 & echo \\$!; read line"; echo left; read line';
  const root = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"], detached: true });
  const rootPid = root.pid ?? 0;
  try {
    const lines = createInterface(root.stdout)[Symbol.asyncIterator]();
    const orphanPid = Number((await lines.next()).value);
    const before = lookAtTree(rootPid, nothing);
    assert.deepEqual([...before.keys()].length, 3);
    assert.ok(before.has(orphanPid));

    root.stdin.write("\n");
    assert.equal((await lines.next()).value, "left");
    assert.deepEqual(new Set(lookAtTree(rootPid, before).keys()), new Set([rootPid, orphanPid]));
    assert.deepEqual([...lookAtTree(rootPid, nothing).keys()], [rootPid]);
  } finally {
    process.kill(-rootPid, "SIGKILL");
    await once(root, "close");
  }
});

test("a process that got the pid of one that was seen is another process", { skip }, () => {
  const [reading] = lookAtTree(process.pid, nothing).values();
  assert.ok(reading !== undefined);
  const before = new Map([[process.pid, { ...reading, startTicks: "1" }]]);
  assert.deepEqual(lookAtTree(process.pid, before), nothing);
});
