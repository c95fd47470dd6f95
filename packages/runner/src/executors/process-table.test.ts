import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { pidsSince } from "./process-table.ts";

test("the processes since a given one are few, and all of its descendants are among them", async () => {
  const parent = spawn("sh", ["-c", "sleep 60 & echo $!; wait"], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const parentPid = parent.pid ?? 0;
  const among = pidsSince(parentPid, 0) ?? [];
  assert.ok(among.includes(parentPid));
  assert.ok(among.includes(Number(line)));
  process.kill(-parentPid, "SIGKILL");
  await once(parent, "exit");
});

test("all processes are to be asked about when too much time has passed or numbers have begun anew", () => {
  assert.equal(pidsSince(process.pid, 60_000), undefined);
  assert.equal(pidsSince(2 ** 30, 0), undefined);
});
