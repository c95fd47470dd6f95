import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { silentLog } from "@jobscope/labkit";
import { runRunners } from "../src/commands/run.ts";
import { runSingle } from "../src/commands/run-single.ts";
import { loadConfig } from "../src/config/load-config.ts";
import { watchConfig } from "../src/config/watch-config.ts";
import { type ScriptableCoordinator, startScriptableCoordinator } from "./support/scriptable-coordinator.ts";
import { aScriptJob, finalUpdateOf, logOf, withManager } from "./support/with-manager.ts";

const environment = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/nonexistent" };

async function withRun(
  run: (scene: { coordinator: ScriptableCoordinator; signals: EventEmitter; code: Promise<0 | 1> }) => Promise<void>,
  script: readonly string[],
) {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-run-"));
  try {
    await using coordinator = await startScriptableCoordinator();
    coordinator.script("request", aScriptJob(1, script));
    const file = path.join(directory, "config.toml");
    await writeFile(
      file,
      `shutdown_timeout = 20\n[[runners]]\nname = "r"\nurl = "${coordinator.url}"\ntoken = "glrt-x"\nexecutor = "shell"\n`,
    );
    const signals = new EventEmitter();
    const config = await loadConfig(file, { environment });
    const code = runRunners({ config, workingDirectory: directory }, { log: silentLog, signals, environment });
    await run({ coordinator, signals, code });
    assert.equal(signals.eventNames().length, 0);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const started = (coordinator: ScriptableCoordinator) => coordinator.waitFor("update");

test("SIGQUIT lets the running job end and then ends with 0", () =>
  withRun(
    async ({ coordinator, signals, code }) => {
      await started(coordinator);
      signals.emit("SIGQUIT");
      signals.emit("SIGQUIT");
      assert.equal(await code, 0);
      assert.equal((await finalUpdateOf(coordinator, 1))["state"], "success");
    },
    ["sleep 0.3"],
  ));

for (const [signal, word] of [
  ["SIGTERM", "terminated"],
  ["SIGINT", "interrupt"],
] as const) {
  test(`${signal} aborts the running job, reports it and ends with 0`, () =>
    withRun(
      async ({ coordinator, signals, code }) => {
        await started(coordinator);
        signals.emit(signal);
        assert.equal(await code, 0);
        assert.equal((await finalUpdateOf(coordinator, 1))["state"], "failed");
        assert.match(logOf(coordinator, 1), new RegExp(`aborted: ${word}`));
      },
      ["sleep 300"],
    ));
}

test("a drain is escalated by SIGTERM", () =>
  withRun(
    async ({ coordinator, signals, code }) => {
      await started(coordinator);
      signals.emit("SIGQUIT");
      signals.emit("SIGTERM");
      assert.equal(await code, 0);
      assert.match(logOf(coordinator, 1), /aborted: terminated/);
    },
    ["sleep 300"],
  ));

test("a second forcing signal ends with 1 at once, and no process of the job stays", () =>
  withRun(
    async ({ coordinator, signals, code }) => {
      const { body } = await coordinator.waitFor("patch", (call) => call.body.includes("pid="));
      const pid = Number(/pid=(\d+)/.exec(body.toString())?.[1]);
      signals.emit("SIGTERM");
      signals.emit("SIGINT");
      assert.equal(await code, 1);
      assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
    },
    ["trap '' TERM; echo pid=$$; while true; do sleep 1; done"],
  ));

test("run-single ends after its number of jobs and asks for no more", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-single-"));
  await using coordinator = await startScriptableCoordinator();
  coordinator.script("request", ...[1, 2, 3].map((id) => aScriptJob(id, ["true"])));
  const runner = { name: "r", url: coordinator.url, token: "glrt-x", executor: "shell" };
  const context = { log: silentLog, signals: new EventEmitter(), environment };
  assert.equal(await runSingle({ runner, maxBuilds: 2, workingDirectory: directory }, context), 0);
  assert.equal(coordinator.callsOf("request").length, 2);
  await rm(directory, { recursive: true, force: true });
});

test("run-single ends when there was no job for its wait timeout", async () => {
  await using coordinator = await startScriptableCoordinator();
  const runner = { name: "r", url: coordinator.url, token: "glrt-x", executor: "shell" };
  const context = { log: silentLog, signals: new EventEmitter(), environment };
  assert.equal(await runSingle({ runner, waitTimeoutS: 0.05 }, context), 0);
});

test("a changed configuration file is noticed, and a forced reload needs no change", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-watch-"));
  const file = path.join(directory, "config.toml");
  await writeFile(file, "");
  let next = Promise.withResolvers<void>();
  using watch = watchConfig(file, async () => next.resolve(), { intervalMs: 5 });
  watch.reload();
  await next.promise;
  next = Promise.withResolvers();
  await utimes(file, 1, 1);
  await next.promise;
  await rm(directory, { recursive: true, force: true });
});

test("a reconfigured manager polls for the new runners while old jobs end with the old", () =>
  withManager(
    async ({ coordinator, manager, directory }) => {
      await started(coordinator);
      await using other = await startScriptableCoordinator();
      other.script("request", aScriptJob(2, ["true"]));
      const file = path.join(directory, "config.toml");
      await writeFile(
        file,
        `concurrent = 2\n[[runners]]\nurl = "${other.url}"\ntoken = "glrt-y"\nexecutor = "shell"\n`,
      );
      manager.reconfigure(await loadConfig(file, { environment }));
      assert.equal((await finalUpdateOf(other, 2))["state"], "success");
      assert.equal((await finalUpdateOf(coordinator, 1))["state"], "success");
    },
    { prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ["sleep 0.5"])) },
  ));
