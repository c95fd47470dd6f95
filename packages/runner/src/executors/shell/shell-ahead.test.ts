import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { silentLog } from "@jobscope/labkit";
import type { Executor, ExecutorSession } from "../executor.ts";
import { findMarkedProcesses } from "./process-mark.ts";
import { createShellExecutor } from "./shell-executor.ts";

const signal = new AbortController().signal;

describe("a shell started ahead of its script", () => {
  let home: string;
  const profileRuns = async () => (await readFile(path.join(home, "runs"), "utf8").catch(() => "")).trim().split("\n");

  before(async () => {
    home = await mkdtemp(path.join(tmpdir(), "jobscope-shell-ahead-"));
  });

  after(() => rm(home, { recursive: true, force: true }));

  type Open = (shell?: string) => Promise<ExecutorSession>;

  async function withExecutor(profile: string, use: (open: Open, executor: Executor) => Promise<void>) {
    await rm(path.join(home, "runs"), { force: true });
    await writeFile(path.join(home, ".bash_profile"), profile);
    await using executor = await createShellExecutor({
      log: silentLog,
      environment: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home },
      workingDirectory: home,
      identity: home,
      temporaryDirectory: home,
      stopLimits: { graceMs: 400, killMs: 1_000 },
    });
    const request = (shell: string) => ({ jobId: 1, shellCommand: [shell, "-l"], preamble: "" });
    await use((shell = "bash") => executor.prepare(request(shell), { signal }), executor);
  }

  test("no shell is started outside a job that is not expected", () =>
    withExecutor('echo $$ >> "$HOME/runs"', async (open) => {
      const session = await open();
      const pid = await pidOf(session);
      await session[Symbol.asyncDispose]();
      assert.deepEqual(await profileRuns(), [pid]);
    }));

  test("each job has shells of its own, one for each script", () =>
    withExecutor('echo $$ >> "$HOME/runs"', async (open) => {
      const pids: string[] = [];
      for (let job = 1; job <= 2; job += 1) {
        await using session = await open();
        pids.push(await pidOf(session, { isFollowed: true }), await pidOf(session));
      }
      assert.equal(new Set(pids).size, 4);
      assert.deepEqual((await profileRuns()).toSorted(), pids.toSorted());
    }));

  test("a shell that is not needed finishes its profile, and only the end of the runner waits for it", async () => {
    const profile = 'trap \'echo killed >> "$HOME/runs"\' TERM\n. "$HOME/gate"\necho finished >> "$HOME/runs"';
    // The profile waits here until the job is gone.
    await writeFile(path.join(home, "gate"), 'until [ -e "$HOME/open" ]; do sleep 0.01; done');
    await withExecutor(profile, async (open) => {
      const session = await open();
      await session[Symbol.asyncDispose]();
      assert.deepEqual(await profileRuns(), [""], "the profile is still read when the job has ended");
      await writeFile(path.join(home, "open"), "");
    });
    assert.deepEqual(await profileRuns(), ["finished"]);
  });

  test("a job that was expected takes the shell that was started for it, another one its own", () =>
    withExecutor("", async (open, executor) => {
      await pidOfJob(await open());
      executor.expectJob?.(true);
      const spare = await processOf(home);
      assert.notEqual(await pidOfJob(await open("sh")), spare, "that job has another shell");
      executor.expectJob?.(true);
      assert.equal(await pidOfJob(await open()), spare);
    }));

  test("what was started for a job that does not come goes", () =>
    withExecutor("", async (open, executor) => {
      await pidOfJob(await open());
      executor.expectJob?.(true);
      await processOf(home);
      executor.expectJob?.(false);
      await executor[Symbol.asyncDispose]();
      assert.deepEqual(
        [...(await findMarkedProcesses()).values()].filter((mark) => mark.startsWith(ownerOf(home))),
        [],
      );
    }));

  test("a script that is aborted before it begins starts nothing", () =>
    withExecutor("", async (open) => {
      await using session = await open();
      const text = `echo never > "${home}/runs"\n`;
      const run = { stageName: "test", text, onStdout: () => {}, onStderr: () => {} };
      const outcome = await session.run(run, { signal: AbortSignal.abort(new Error("canceled")) });
      assert.equal(outcome.kind, "killed");
      assert.deepEqual(await profileRuns(), [""]);
    }));
});

/** Of the job's only script; the job is over then. */
async function pidOfJob(session: ExecutorSession): Promise<string> {
  const pid = await pidOf(session);
  await session[Symbol.asyncDispose]();
  return pid;
}

/** Resolves with the pid of the one process that this executor has. */
async function processOf(identity: string): Promise<string> {
  for (;;) {
    const [found] = [...(await findMarkedProcesses())].filter(([, mark]) => mark.startsWith(ownerOf(identity)));
    if (found !== undefined) return String(found[0]);
    await new Promise(setImmediate);
  }
}

/** What the marks of an executor's processes begin with. */
function ownerOf(identity: string): string {
  return createHash("sha256").update(identity).digest("hex").slice(0, 16);
}

async function pidOf(session: ExecutorSession, { isFollowed = false } = {}): Promise<string> {
  let text = "";
  const onStdout = (chunk: Uint8Array) => {
    text += Buffer.from(chunk).toString();
  };
  await session.run({ stageName: "test", text: "echo $$\n", onStdout, onStderr: () => {}, isFollowed }, { signal });
  return text.trim();
}
