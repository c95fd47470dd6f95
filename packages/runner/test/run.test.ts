import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { createLog, silentLog } from "@jobscope/labkit";
import { runRunners } from "../src/commands/run.ts";
import { runSingle } from "../src/commands/run-single.ts";
import { loadConfig } from "../src/config/load-config.ts";
import type { RunnerManagerConfig } from "../src/config/manager-config.ts";
import { parseConfig } from "../src/config/parse-config.ts";
import { watchConfig } from "../src/config/watch-config.ts";
import { type ScriptableCoordinator, startScriptableCoordinator } from "./support/scriptable-coordinator.ts";
import { aScriptJob, finalUpdateOf, logOf, withManager } from "./support/with-manager.ts";

const environment = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/nonexistent" };

interface RunScene {
  readonly coordinator: ScriptableCoordinator;
  readonly signals: EventEmitter;
  readonly code: Promise<0 | 1>;
  /** Of the configuration. */
  readonly file: string;
  /** The runner log. */
  readonly lines: Lines;
  /** Log levels of the configurations that were taken over. */
  readonly configs: readonly string[];
}

async function withRun(run: (scene: RunScene) => Promise<void>, script: readonly string[]) {
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
    const lines = collectLines();
    const configs: string[] = [];
    const onConfig = ({ logLevel }: RunnerManagerConfig) => configs.push(logLevel);
    const log = createLog({ write: lines.write });
    const code = runRunners({ config, workingDirectory: directory }, { log, signals, environment, onConfig });
    await run({ coordinator, signals, code, file, lines, configs });
    assert.equal(signals.eventNames().length, 0);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Lines {
  readonly all: readonly string[];
  readonly write: (line: string) => void;
  until(accepts: (all: readonly string[]) => boolean): Promise<void>;
}

function collectLines(): Lines {
  const all: string[] = [];
  const looks = new Set<() => void>();
  return {
    all,
    write(line) {
      all.push(line);
      for (const look of looks) look();
    },
    async until(accepts) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => accepts(all) && resolve();
      looks.add(look);
      look();
      await promise.finally(() => looks.delete(look));
    },
  };
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

test("run-single begins from a runner of a configuration file, and flags win", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-single-"));
  await using coordinator = await startScriptableCoordinator();
  coordinator.script("request", aScriptJob(1, ['echo "$FROM_FILE $FROM_FLAG"']));
  const configFile = path.join(directory, "config.toml");
  const table = `url = "${coordinator.url}"\ntoken = "glrt-x"\nexecutor = "shell"\nenvironment = ["FROM_FILE=1"]\n`;
  await writeFile(
    configFile,
    `[[runners]]\nname = "other"\n${table}[[runners]]\nname = "this"\noutput_limit = 9\n${table}`,
  );
  const context = { log: silentLog, signals: new EventEmitter(), environment };
  const settingArgs = ["--env", "FROM_FLAG=2"];
  const options = { runner: {}, maxBuilds: 1, workingDirectory: directory, settingArgs };
  assert.equal(await runSingle({ ...options, from: { configFile, name: "this" } }, context), 0);
  assert.match(logOf(coordinator, 1), /\n.* 2\n/);
  await assert.rejects(runSingle({ ...options, from: { configFile, name: "none" } }, context), /no runner .*"none"/);
  await rm(directory, { recursive: true, force: true });
});

test("a second signal ends run-single at once, and no process of the job stays", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-single-"));
  await using coordinator = await startScriptableCoordinator();
  coordinator.script("request", aScriptJob(1, ["trap '' TERM; echo pid=$$; while true; do sleep 1; done"]));
  const runner = { name: "r", url: coordinator.url, token: "glrt-x", executor: "shell" };
  const signals = new EventEmitter();
  const code = runSingle({ runner, workingDirectory: directory }, { log: silentLog, signals, environment });
  const { body } = await coordinator.waitFor("patch", (call) => call.body.includes("pid="));
  signals.emit("SIGINT");
  signals.emit("SIGINT");
  assert.equal(await code, 1);
  const pid = Number(/pid=(\d+)/.exec(body.toString())?.[1]);
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  await rm(directory, { recursive: true, force: true });
});

test("run refuses to run jobs as another user than its own", async () => {
  const config = parseConfig({ user: "somebody-else" }, { environment: {} });
  const context = { log: silentLog, signals: new EventEmitter(), environment };
  await assert.rejects(runRunners({ config }, context), /user = "somebody-else": jobs run as the user of this process/);
});

test("a reload names what has no effect once, and hands the new configuration on", () =>
  withRun(
    async ({ coordinator, signals, code, lines, file, configs }) => {
      await started(coordinator);
      const text = await readFile(file, "utf8");
      const reloads = (all: readonly string[]) => all.filter((line) => line.includes("configuration reloaded")).length;
      for (const [index, level] of ["debug", "error"].entries()) {
        await writeFile(file, `frob = 1\nlog_level = "${level}"\n${text}`);
        signals.emit("SIGHUP");
        await lines.until((all) => reloads(all) > index);
      }
      assert.deepEqual(configs, ["debug", "error"]);
      assert.equal(lines.all.filter((line) => line.includes("key=frob")).length, 1);
      await writeFile(file, '[telemetry]\nbearer_token = "hunter2-hunter2');
      signals.emit("SIGHUP");
      await lines.until((all) => all.some((line) => line.includes("configuration not reloaded")));
      assert.doesNotMatch(lines.all.join(""), /hunter2/);
      signals.emit("SIGTERM");
      assert.equal(await code, 0);
    },
    ["sleep 300"],
  ));

test("a runner's limit counts jobs that began before a reload", () =>
  withManager(
    async ({ coordinator, manager, directory }) => {
      await started(coordinator);
      const file = path.join(directory, "config.toml");
      const runner = `url = "${coordinator.url}"\ntoken = "glrt-0123456789"\nexecutor = "shell"\nlimit = 1\n`;
      await writeFile(file, `concurrent = 5\n[[runners]]\n${runner}`);
      coordinator.script("request", aScriptJob(2, ["true"]));
      manager.reconfigure(await loadConfig(file, { environment }));
      assert.deepEqual(
        manager.status().runners.map(({ jobs }) => jobs),
        [1],
      );
      const first = coordinator.callsOf("request").length;
      await finalUpdateOf(coordinator, 1);
      assert.equal(coordinator.callsOf("request").length, first, "nothing was asked for while the old job ran");
      assert.equal((await finalUpdateOf(coordinator, 2))["state"], "success");
    },
    {
      prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ["sleep 0.5"])),
      runner: { limit: 1 },
    },
  ));

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
