import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { silentLog } from "@jobscope/labkit";
import type { Executor } from "../executor.ts";
import { findMarkedProcesses } from "./process-mark.ts";
import { createShellExecutor } from "./shell-executor.ts";

const environment = { PATH: "/usr/local/bin:/usr/bin:/bin" };

describe("processes of functions", () => {
  let directory: string;
  let executor: Executor;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "jobscope-function-processes-"));
    executor = await createShellExecutor({
      log: silentLog,
      environment,
      workingDirectory: directory,
      identity: directory,
      stopLimits: { graceMs: 300 },
      temporaryDirectory: directory,
    });
  });

  after(async () => {
    await executor[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  test("what a command leaves behind runs on during the job, and ends with it", async () => {
    await using session = await open();
    await using host = await session.functionProcesses({ tempDir: directory, signal: new AbortController().signal });
    // A process between two programs has no environment to know it by.
    const begun = 'until [ "$(cat /proc/$!/comm)" = sleep ]; do :; done';
    const script = ["setsid sleep 631", "sleep 632", "env -i sleep 633"].map((line) => `${line} & ${begun}`).join("\n");
    assert.deepEqual(await host.run(command(script)), { exitCode: 0, killedBy: undefined });
    assert.equal(await countMarked(), 2); // the third has none left
    await session[Symbol.asyncDispose]();
    assert.equal(await countMarked(), 0);
    assert.deepEqual(await commandLines("sleep 633"), []);
  });

  test("the end of a job ends a command that still runs, also one that does not want to", async () => {
    const session = await open();
    await using host = await session.functionProcesses({ tempDir: directory, signal: new AbortController().signal });
    const begun = Promise.withResolvers<void>();
    const running = host.run({
      ...command("trap '' TERM; echo begun; while :; do sleep 634; done"),
      output: () => begun.resolve(),
    });
    await begun.promise;
    await session[Symbol.asyncDispose]();
    assert.deepEqual(await running, { exitCode: -1, killedBy: "SIGKILL" });
    assert.equal(await countMarked(), 0);
  });

  function open() {
    const { signal } = new AbortController();
    return executor.prepare({ jobId: 1, shellCommand: ["sh"], preamble: "" }, { signal });
  }

  function command(script: string) {
    return {
      command: ["sh", "-c", script],
      workDir: directory,
      env: environment,
      output: () => undefined,
      signal: new AbortController().signal,
    } as const;
  }
});

/** Of this process's jobs; shells that wait for a script are not counted. */
async function countMarked(): Promise<number> {
  let count = 0;
  for (const [pid, mark] of await findMarkedProcesses()) {
    if (mark.split(".")[1] !== String(process.pid)) continue;
    const name = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (name.includes("sleep")) count += 1;
  }
  return count;
}

async function commandLines(wanted: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.map((line) => line.replaceAll("\0", " ").trim()).filter((line) => line === wanted);
}
