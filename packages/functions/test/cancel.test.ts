import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createLocalProcesses, type StepsOutcome } from "../src/index.ts";
import { functionFile, JobFixture, shellFunction } from "./job-fixture.ts";

/** Runs steps and cancels when the log has the word `ready`. */
async function cancelWhenReady(
  job: JobFixture,
  steps: object[],
  graceMs = 5_000,
): Promise<StepsOutcome & { log: string }> {
  const cancel = new AbortController();
  let log = "";
  await using processes = createLocalProcesses({ graceMs });
  const outcome = await job.run(steps, {
    signal: cancel.signal,
    processes,
    log: {
      write(chunk) {
        log += Buffer.from(chunk).toString();
        if (log.includes("ready")) cancel.abort(new Error("by the user"));
      },
    },
  });
  return { ...outcome, log };
}

/** Resolves when the process is gone; the test's own timeout bounds it. */
async function gone(pid: number): Promise<void> {
  const { readFile } = await import("node:fs/promises");
  for (;;) {
    // a zombie that nobody in this container reaps has ended too
    const state = await readFile(`/proc/${pid}/stat`, "utf8").then(
      (text) => text.slice(text.lastIndexOf(")") + 2, text.lastIndexOf(")") + 3),
      () => "gone",
    );
    if (state === "gone" || state === "Z") return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

suite("cancelling (ci-functions.md §5.2, §5.4)", { timeout: 30_000 }, () => {
  test("the command is asked to end, may say its last words, and nothing runs afterwards", async () => {
    await using job = await JobFixture.create({
      "wait/func.yml": shellFunction("trap 'echo cleaning up; exit 0' TERM; echo ready; while :; do sleep 0.05; done"),
      "outer/func.yml": functionFile(
        {},
        {
          run: [
            { name: "wait", func: "../wait" },
            { name: "never", script: "echo never" },
          ],
        },
      ),
    });
    const outcome = await cancelWhenReady(job, [
      { name: "outer", func: "./outer" },
      { name: "never", script: "echo never" },
    ]);
    assert.equal(outcome.status, "cancelled");
    assert.equal(outcome.error?.code, "cancelled");
    assert.match(outcome.log, /ready\n(?:Terminated\n)?cleaning up\n$/);
    assert.deepEqual(
      outcome.result.steps?.map(({ name, status }) => [name, status]),
      [["outer", "cancelled"]],
    );
    assert.deepEqual(
      job.seen.map(({ name, end }) => [name, end?.status]),
      [
        ["outer", "cancelled"],
        ["wait", "cancelled"],
      ],
    );
  });

  test("the whole process group ends, also what ignores the polite signal", async () => {
    await using job = await JobFixture.create();
    const script =
      "(trap '' TERM; echo child $BASHPID; while :; do sleep 0.05; done) & trap '' TERM; echo ready; wait; while :; do sleep 0.05; done";
    const outcome = await cancelWhenReady(job, [{ name: "s", script }], 200);
    assert.equal(outcome.status, "cancelled");
    assert.equal(outcome.result.steps?.[0]?.exec?.exitCode, -1);
    await gone(Number(/child (\d+)/.exec(outcome.log)?.[1]));
  });

  test("a child that outlives the polite end of its parent is ended as well", async () => {
    await using job = await JobFixture.create();
    const script = "(trap '' TERM; echo child $BASHPID; while :; do sleep 0.05; done) & sleep 0.1; echo ready; wait";
    const outcome = await cancelWhenReady(job, [{ name: "s", script }]);
    assert.equal(outcome.status, "cancelled");
    await gone(Number(/child (\d+)/.exec(outcome.log)?.[1]));
  });

  test("a signal that was aborted before starts nothing", async () => {
    await using job = await JobFixture.create();
    const outcome = await job.run([{ name: "s", script: "echo never" }], { signal: AbortSignal.abort() });
    assert.equal(outcome.status, "cancelled");
    assert.equal(outcome.error?.message, "cancelled");
    assert.deepEqual(job.seen, []);
    assert.equal(outcome.log, "");
  });

  test("a timeout is told apart in the message", async () => {
    await using job = await JobFixture.create();
    const outcome = await job.run([{ name: "s", script: "sleep 30" }], { signal: AbortSignal.timeout(200) });
    assert.equal(outcome.status, "cancelled");
    assert.equal(outcome.error?.message, 'step "s": timeout');
  });
});
