import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { silentLog } from "@jobscope/labkit";
import type { Executor, ScriptOutcome } from "../executor.ts";
import { findMarkedProcesses } from "./process-mark.ts";
import { createShellExecutor } from "./shell-executor.ts";

const environment = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/nonexistent" };

describe("the shell executor", () => {
  let directory: string;
  let executor: Executor;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "jobscope-executor-test-"));
    executor = await start(directory);
  });

  after(async () => {
    await executor[Symbol.asyncDispose]();
    assert.deepEqual(await readdir(directory), [], "nothing is left of the executor's files");
    await rm(directory, { recursive: true });
  });

  test("a script's output and exit code are handed on", async () => {
    const result = await run(executor, "echo out; echo err >&2; exit 3\n");
    assert.deepEqual(result.outcome, { kind: "exited", exitCode: 3 });
    assert.equal(result.stdout, "out\n");
    assert.equal(result.stderr, "err\n");
  });

  test("output streams can be opened again by name", async () => {
    const result = await run(executor, "echo one > /dev/stdout; echo two | tee /dev/stderr\n");
    assert.equal(result.stdout, "one\ntwo\n");
    assert.equal(result.stderr, "two\n");
  });

  test("a long script is read as a short one is", async () => {
    const lines = Array.from({ length: 400 }, (_, index) => `LONG_VARIABLE_NUMBER_${index}=value-${index}`);
    const result = await run(executor, `${lines.join("\n")}\necho $LONG_VARIABLE_NUMBER_399\nexit 4\n`);
    assert.equal(result.stdout, "value-399\n");
    assert.deepEqual(result.outcome, { kind: "exited", exitCode: 4 });
  });

  test("each script has a shell of its own", async () => {
    const first = await run(executor, "echo $$; export LEFT=1\n");
    const second = await run(executor, "echo $$ $LEFT\n");
    assert.notEqual(first.stdout, second.stdout);
    assert.match(second.stdout, /^\d+ *\n$/);
  });

  test("a full pipe makes the process wait for a slow reader", async () => {
    const pauseMs = 1;
    let seen = 0;
    const session = await open(executor);
    const slow = async (chunk: Uint8Array) => {
      seen += chunk.length;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    };
    const text = "head -c 3000000 /dev/zero; exit 0\n";
    await session.run({ stageName: "test", text, onStdout: slow, onStderr: () => {} }, { signal: never() });
    await session[Symbol.asyncDispose]();
    assert.equal(seen, 3_000_000);
  });

  test("an abort ends a script that does as it is told, with all it started", async () => {
    const abort = new AbortController();
    const text = "trap 'echo bye; exit 9' TERM; sleep 600 & echo started; sleep 600 & wait\n";
    const result = await run(executor, text, { signal: abort.signal, onStdout: () => abort.abort() });
    assert.deepEqual(result.outcome, { kind: "exited", exitCode: 9 });
    assert.equal(result.stdout, "started\nbye\n");
    await assertNothingLeft();
  });

  test("an abort kills a script that does not end", async () => {
    const abort = new AbortController();
    const text = "trap '' TERM; echo started; while :; do sleep 600; done\n";
    const result = await run(executor, text, { signal: abort.signal, onStdout: () => abort.abort() });
    assert.deepEqual(result.outcome, { kind: "killed", signal: "SIGKILL" });
    await assertNothingLeft();
  });

  test("background processes that hold the output open do not hold the job up", async () => {
    const result = await run(executor, "sleep 600 & echo done; exit 0\n");
    assert.deepEqual(result.outcome, { kind: "exited", exitCode: 0 });
    assert.equal(result.stdout, "done\n");
    await assertNothingLeft();
  });

  test("a daemon that left the process group is found at the end of the job", async () => {
    const result = await run(executor, "setsid sleep 600 < /dev/null > /dev/null 2>&1 & exit 0\n");
    assert.deepEqual(result.outcome, { kind: "exited", exitCode: 0 });
    await assertNothingLeft();
  });

  test("a background process of the group is found although it cleared its environment", async () => {
    await run(executor, "env -i /bin/sleep 600.25 < /dev/null > /dev/null 2>&1 & exit 0\n");
    assert.equal(await isRunning("sleep 600.25"), false);
  });

  test("a shell that is not installed is an error with its name, before anything runs", async () => {
    const request = { jobId: 1, shellCommand: ["no-such-shell"], preamble: "" };
    await assert.rejects(executor.prepare(request, { signal: never() }), {
      name: "ExecutorError",
      reason: "runner_configuration_error",
      message: /^the shell "no-such-shell" is not installed/,
    });
  });

  test("a shell that cannot be started is an error with its name", async () => {
    const notExecutable = path.join(directory, "broken-shell");
    await writeFile(notExecutable, "#!/no/such/interpreter\n", { mode: 0o755 });
    const session = await executor.prepare(
      { jobId: 1, shellCommand: [notExecutable], preamble: "" },
      { signal: never() },
    );
    const nothing = { stageName: "test", text: "", onStdout: () => {}, onStderr: () => {} };
    await assert.rejects(session.run(nothing, { signal: never() }), /failed to start process: \S+broken-shell/);
    await session[Symbol.asyncDispose]();
    await rm(notExecutable);
  });

  test("what a killed runner left is ended by the next one's sweep, and only that", async () => {
    const identity = path.join(directory, "config.toml");
    const script = path.join(directory, "killed-runner.ts");
    await writeFile(script, killedRunner(identity, directory));
    const runner = spawn(process.execPath, ["--conditions=jobscope-source", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(runner.stdout, "data");
    runner.kill("SIGKILL");
    await once(runner, "exit");
    assert.equal(await isRunning("sleep 600.75"), true);

    await using other = await start(directory, `${identity}.other`);
    assert.deepEqual(await other.sweep(), { endedProcesses: 0 });
    await using next = await start(directory, identity);
    const { endedProcesses } = await next.sweep();
    assert.ok(endedProcesses >= 1);
    assert.equal(await isRunning("sleep 600.75"), false);
    await rm(script);
  });
});

function start(directory: string, identity = directory): Promise<Executor> {
  return createShellExecutor({
    log: silentLog,
    environment,
    workingDirectory: tmpdir(),
    identity,
    stopLimits: { graceMs: 400 },
    temporaryDirectory: directory,
  });
}

/** A runner that says when its job runs, and then does nothing to end it. */
function killedRunner(identity: string, directory: string): string {
  const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  return `
    import { createShellExecutor } from ${module("./shell-executor.ts")};
    const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
    const executor = await createShellExecutor({
      log: silent, environment: ${JSON.stringify(environment)}, workingDirectory: "/",
      identity: ${JSON.stringify(identity)}, temporaryDirectory: ${JSON.stringify(directory)},
    });
    const signal = new AbortController().signal;
    const session = await executor.prepare({ jobId: 1, shellCommand: ["bash"], preamble: "" }, { signal });
    const text = "trap '' PIPE; setsid sleep 600.75 & " +
      "until grep -q ^sleep /proc/$!/cmdline; do :; done; echo running; sleep 600.75\\n";
    await session.run({ stageName: "x", text, onStdout: (c) => void process.stdout.write(c), onStderr() {} }, { signal });
  `;
}

interface Result {
  readonly outcome: ScriptOutcome;
  readonly stdout: string;
  readonly stderr: string;
}

function open(executor: Executor) {
  const request = { jobId: 1, shellCommand: ["bash", "-l"], preamble: 'eval "$(cat)"\n' };
  return executor.prepare(request, { signal: never() });
}

async function run(
  executor: Executor,
  text: string,
  options: { readonly signal?: AbortSignal; readonly onStdout?: () => void } = {},
): Promise<Result> {
  const session = await open(executor);
  let stdout = "";
  let stderr = "";
  const outcome = await session.run(
    {
      stageName: "test",
      text,
      onStdout: (chunk) => {
        stdout += Buffer.from(chunk).toString();
        options.onStdout?.();
      },
      onStderr: (chunk) => {
        stderr += Buffer.from(chunk).toString();
      },
    },
    { signal: options.signal ?? never() },
  );
  await session[Symbol.asyncDispose]();
  return { outcome, stdout, stderr };
}

function never(): AbortSignal {
  return new AbortController().signal;
}

/** Of this process's jobs. */
async function assertNothingLeft(): Promise<void> {
  const commands: string[] = [];
  for (const [pid, mark] of await findMarkedProcesses()) {
    if (mark.split(".")[1] !== String(process.pid)) continue;
    commands.push(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
  }
  assert.deepEqual(
    commands.filter((command) => command.includes("sleep")),
    [],
  );
}

async function isRunning(command: string): Promise<boolean> {
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const found = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    if (found.replaceAll("\0", " ").includes(command)) return true;
  }
  return false;
}
