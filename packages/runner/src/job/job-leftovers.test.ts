import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { registerJob, sweepJobLeftovers } from "./job-leftovers.ts";

describe("what a job leaves beside its project", () => {
  let root: string;
  let temporary: string;
  const register = () => path.join(root, ".jobscope-jobs");

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), "jobscope-leftovers-test-"));
    temporary = path.join(root, "group/demo.tmp");
    await mkdir(path.join(temporary, "git-template"), { recursive: true });
    await writeFile(path.join(temporary, "SECRET_FILE"), "secret");
  });

  afterEach(() => rm(root, { recursive: true }));

  test("goes with the job, however it ended; git's template stays", async () => {
    const directories = { root, project: path.join(root, "group/demo"), temporary, cache: "" };
    {
      await using job = registerJob(1, directories);
      await job.noted;
      assert.equal(await sweepJobLeftovers([root]), 0, "a job under way is left alone");
      assert.deepEqual((await readdir(temporary)).sort(), ["SECRET_FILE", "git-template"]);
    }
    assert.deepEqual(await readdir(temporary), ["git-template"]);
    assert.deepEqual(await readdir(register()), []);
  });

  test("goes at the next start when the runner was killed", async () => {
    const gone = spawn("true");
    await once(gone, "exit");
    await mkdir(register());
    const entry = JSON.stringify({ pid: gone.pid, startTime: "1", temporary });
    await writeFile(path.join(register(), "1-1.json"), entry);
    assert.equal(await sweepJobLeftovers([root, root]), 1);
    assert.deepEqual(await readdir(temporary), ["git-template"]);
    assert.deepEqual(await readdir(register()), []);
  });

  test("nothing is removed that a register entry names outside, and broken entries go", async () => {
    const outside = await mkdtemp(path.join(tmpdir(), "jobscope-leftovers-outside-"));
    const victim = path.join(outside, "x.tmp");
    await mkdir(victim);
    await writeFile(path.join(victim, "file"), "");
    await mkdir(register());
    await writeFile(path.join(register(), "1.json"), JSON.stringify({ pid: 1, startTime: "0", temporary: victim }));
    await writeFile(path.join(register(), "2.json"), "{");
    await sweepJobLeftovers([root]);
    assert.deepEqual(await readdir(victim), ["file"]);
    assert.deepEqual(await readdir(register()), []);
    await rm(outside, { recursive: true });
  });
});
