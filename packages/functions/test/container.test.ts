import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { skipWithoutEngine } from "../../../test/support/docker-engine.ts";
import { skipWithoutRegistry, startDockerRegistry } from "../../../test/support/docker-registry.ts";
import {
  createContainerProcesses,
  createFunctionSources,
  type ProcessCommand,
  type RunStepsOptions,
  runSteps,
} from "../src/index.ts";
import { DockerBench, type TestContainer } from "./docker-container.ts";
import { FakeRegistry, layerOf } from "./fake-registry.ts";
import { functionFile, shellFunction } from "./job-fixture.ts";

const string = { type: "string" };
const shell = "/.jobscope/busybox";

suite("functions in a container", { skip: skipWithoutEngine }, () => {
  let bench: DockerBench;
  let directory: string;
  let ordinary: TestContainer;
  let distroless: TestContainer;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "container-test-"));
    bench = await DockerBench.create();
    [ordinary, distroless] = await Promise.all([
      bench.start("busybox", ["-e", "FROM_IMAGE=yes"]),
      bench.start("distroless", ["--user", "1234:1234"]),
    ]);
  });

  after(async () => {
    await bench?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  async function run(
    container: TestContainer,
    steps: readonly object[],
    options: Partial<RunStepsOptions> & { readonly files?: Readonly<Record<string, string>> } = {},
  ) {
    const { files = {}, ...rest } = options;
    await using processes = await container.processes();
    const workDir = await processes.files.createPrivateDirectory();
    for (const [path, content] of Object.entries(files)) {
      await processes.files.makeDirectory(join(workDir, path, ".."));
      await processes.files.writeFile(join(workDir, path), content, 0o644);
    }
    const chunks: Uint8Array[] = [];
    const outcome = await runSteps({
      steps,
      workDir,
      env: processes.foreign?.environment ?? {},
      sources: createFunctionSources({ cacheDir: join(directory, "cache") }),
      log: { write: (chunk) => void chunks.push(chunk) },
      signal: AbortSignal.timeout(30_000),
      processes,
      ...rest,
    });
    const lines = Buffer.concat(chunks).toString().split("\n").filter(Boolean);
    return { ...outcome, workDir, lines: lines.filter((line) => !line.startsWith("Running step name=")) };
  }

  async function output(...args: Parameters<typeof run>): Promise<string[]> {
    const { error, lines } = await run(...args);
    if (error !== undefined) throw error;
    return lines;
  }

  test("script steps run in the image's shell, in the job's directory, with the image's environment", async () => {
    const steps = [{ name: "s", script: "echo $0 $FROM_IMAGE $HOME $MINE; pwd; env", env: { MINE: "it's mine" } }];
    const { lines, workDir, error } = await run(ordinary, steps, {
      jobVariables: [{ key: "SECRET", value: "secret" }],
    });
    assert.equal(error, undefined);
    assert.deepEqual(lines.slice(0, 2), ["/bin/sh yes /root it's mine", workDir]);
    const names = lines.slice(2).map((line) => line.split("=")[0]);
    const expected = ["CI_STEPS_LOG_LEVEL", "FROM_IMAGE", "HOME", "HOSTNAME", "MINE", "PATH"];
    // the shell adds its own
    assert.deepEqual(names.filter((name) => !["PWD", "SHLVL", "OLDPWD"].includes(name ?? "")).sort(), expected);
  });

  test("in an image with nothing in it a static shell runs them, with its own programs, as the image's user", async () => {
    const steps = [
      { name: "a", script: "id -u; ls -d /app; echo text | cat" },
      { name: "b", func: "./f" },
      { name: "c", script: "echo ${{ steps.b.outputs.v }} $EXPORTED" },
    ];
    const files = {
      "f/func.yml": functionFile(
        { outputs: { v: string } },
        { run: [{ name: "in", func: "./g" }], outputs: { v: "${{ steps.in.outputs.v }}" } },
      ),
      "f/g/func.yml": functionFile(
        { outputs: { v: string } },
        { exec: { command: [shell, "sh", "${{ func_dir }}/program", "${{ output_file }}", "${{ export_file }}"] } },
      ),
      "f/g/program": [
        `echo '{"name":"v","value":"from a file"}' >"$1"`,
        `echo '{"name":"EXPORTED","value":"exported"}' >"$2"`,
      ].join("\n"),
    };
    const lines = await output(distroless, steps, { files });
    assert.deepEqual(lines, ["1234", "/app", "text", "from a file exported"]);
  });

  test("a job starts one shell, whatever its number of steps", async () => {
    const startsBefore = ordinary.starts;
    const steps = Array.from({ length: 30 }, (_, at) => ({ name: `s${at}`, script: `echo ${at}` }));
    assert.equal((await output(ordinary, steps)).length, 30);
    assert.equal(ordinary.starts - startsBefore, 1);
  });

  const failures: readonly { name: string; exec: object; message: string; exitCode: number }[] = [
    { name: "an exit code", exec: { command: ["sh", "-c", "exit 143"] }, message: "exit code 143", exitCode: 143 },
    {
      name: "a signal",
      exec: { command: ["sh", "-c", "kill -TERM $$"] },
      message: "ended by SIGTERM, exit code -1",
      exitCode: -1,
    },
    {
      name: "no such program",
      exec: { command: ["no-such-program"] },
      message: '"no-such-program": executable file not found in PATH',
      exitCode: -1,
    },
    {
      name: "no such file",
      exec: { command: ["./nope"] },
      message: '"./nope": no such file, or its interpreter is missing',
      exitCode: -1,
    },
    {
      name: "no permission",
      exec: { command: ["/etc/hosts"] },
      message: '"/etc/hosts": permission denied, is it executable?',
      exitCode: -1,
    },
    {
      name: "too long an argument",
      exec: { command: ["sh", "-c", `: ${"x".repeat(131_070)}`] },
      message: '"sh": arguments and environment are too long',
      exitCode: -1,
    },
    {
      name: "no such directory",
      exec: { command: ["sh"], work_dir: "/nowhere/at all" },
      message: "working directory /nowhere/at all does not exist",
      exitCode: -1,
    },
  ];
  for (const { name, exec, message, exitCode } of failures) {
    test(`${name} fails the step, with the words it has on this machine`, async () => {
      const files = { "f/func.yml": functionFile({}, { exec }) };
      const steps = [
        { name: "ok", script: "true" },
        { name: "f", func: "./f" },
      ];
      const outcome = await run(ordinary, steps, { files });
      assert.equal(outcome.error?.message, `step "f": exec: ${message}`);
      assert.equal(outcome.exitCode, exitCode);
    });
  }

  test("commands get arguments, environment and bytes as they are, and both streams keep their order", async () => {
    await using processes = await ordinary.processes();
    const chunks: Uint8Array[] = [];
    const odd = ["'", '"', "$HOME `id` \\", "a\nb", "-n", "", "é\u{1f680}", "*"];
    const script = `for a; do printf '%s|' "$a"; echo "$ODD" >&2; done; printf '\\000\\001\\000'`;
    const command: ProcessCommand = {
      command: ["sh", "-c", script, "sh", ...odd],
      workDir: "/tmp",
      env: { PATH: "/bin", ODD: "o'd\"d$", "na.me": "x" },
      output: (chunk) => void chunks.push(Uint8Array.from(chunk)),
      signal: new AbortController().signal,
    };
    assert.deepEqual(await processes.run(command), { exitCode: 0, killedBy: undefined });
    assert.equal(Buffer.concat(chunks).toString(), `${odd.map((text) => `${text}|o'd"d$\n`).join("")}\0\x01\0`);
  });

  test("the environment of a command is exactly what was asked for, whatever its names", async () => {
    await using processes = await ordinary.processes();
    const names = ["B", "M", "I", "U", "P", "IFS", "PWD", "OLDPWD", "OPTIND", "PATH", "c", "p", "x", "na.me"];
    const env = Object.fromEntries(names.map((name) => [name, `/the ${name}`]));
    const chunks: Uint8Array[] = [];
    await processes.run({
      command: ["/bin/env"],
      workDir: "/tmp",
      env,
      output: (chunk) => void chunks.push(Uint8Array.from(chunk)),
      signal: new AbortController().signal,
    });
    const lines = Buffer.concat(chunks).toString().trim().split("\n").sort();
    assert.deepEqual(lines, names.map((name) => `${name}=/the ${name}`).sort());
  });

  test("a receiver that is slow holds the command back; nothing is lost, doubled or out of order", async () => {
    await using processes = await ordinary.processes();
    const chunks: Uint8Array[] = [];
    await processes.run({
      command: ["sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo $i; done"],
      workDir: "/",
      env: { PATH: "/bin" },
      async output(chunk) {
        chunks.push(Uint8Array.from(chunk));
        await new Promise(setImmediate);
      },
      signal: new AbortController().signal,
    });
    const expected = Array.from({ length: 20_000 }, (_, at) => `${at + 1}\n`).join("");
    assert.equal(Buffer.concat(chunks).toString(), expected);
  });

  test("a fetched function is copied into the container once, for its platform, programs executable", async () => {
    await using registry = await FakeRegistry.start();
    const program = readFileSync("/bin/busybox");
    const definition = functionFile({}, { exec: { command: ["${{ func_dir }}/bin/echo", "${{ func_dir }}"] } });
    const machine = (await ordinary.busybox("uname", "-m")) === "aarch64" ? "arm64" : "amd64";
    registry.addIndex("fn", "1", {
      "linux/s390x": [await layerOf([{ name: "func.yml", content: "of another machine" }])],
      [`linux/${machine}`]: [
        await layerOf([
          { name: "func.yml", content: definition },
          { name: "bin/echo", content: program, mode: 0o755 },
        ]),
      ],
    });
    const func = `${registry.host}/fn:1`;
    const startsBefore = distroless.starts;
    const lines = await output(distroless, [
      { name: "a", func },
      { name: "b", func },
    ]);
    assert.equal(distroless.starts - startsBefore, 2);
    assert.match(lines[0] ?? "", /^\/\.jobscope\/function-/);
    assert.equal(lines[0], lines[1]);
  });

  test("built-in functions read and write the job's directory in the container", {
    skip: skipWithoutRegistry,
  }, async () => {
    await using registry = await startDockerRegistry();
    const env = { DOCKER_AUTH_CONFIG: registry.authConfig };
    const repository = `${registry.host}/group/fn`;
    const steps = [
      { name: "make", script: `mkdir -p src/sub; echo text >src/sub/file; ln -s sub/file src/link` },
      {
        name: "build",
        func: "builtin://function/oci/build",
        inputs: { version: "1.0.0", common: { files: { "func.yml": "src.yml", data: "src" } } },
      },
      { name: "look", script: "ls function-image.tar" },
      {
        name: "publish",
        func: "builtin://function/oci/publish",
        inputs: { archive: "function-image.tar", to_repository: repository },
        env,
      },
      { name: "call", func: `${repository}:1.0`, env },
    ];
    const files = { "src.yml": shellFunction("cat ${{ func_dir }}/data/sub/file ${{ func_dir }}/data/link") };
    const lines = await output(ordinary, steps, { files });
    assert.deepEqual(
      lines.filter((line) => /^(?:text|function-image\.tar)$/.test(line)),
      ["function-image.tar", "text", "text"],
    );
    const outside = [{ ...steps[1], inputs: { version: "1.0.0", common: { files: { x: "../../etc/passwd" } } } }];
    assert.match((await run(ordinary, outside)).error?.message ?? "", /leads out of the project directory/);
    assert.deepEqual(
      (await readdir(tmpdir())).filter((name) => name.startsWith("jobscope-project-")),
      [],
    );
  });

  test("file variables are files in the container that only its user reads, and go with the job", async () => {
    const jobVariables = [{ key: "KEY", value: "it's\n${content}\n", file: true }];
    const steps = [{ name: "a", script: "ls -l ${{ vars.KEY }}; cat ${{ vars.KEY }}" }];
    const [listing = "", ...content] = await output(ordinary, steps, { jobVariables });
    assert.match(listing, /^-rw-------/);
    assert.deepEqual(content, ["it's", "${content}"]);
  });

  test("files replaced by something else fail the step", async () => {
    const replacements: readonly [script: string, message: RegExp][] = [
      ["rm $F; mkfifo $F", /no regular file/],
      ["rm $F; ln -s /etc/hosts $F", /no regular file/],
      ["rm $F; mkdir $F", /no regular file/],
      ["dd if=/dev/zero of=$F bs=1M count=17", /larger than/],
      ["echo text >$F", /line 1/],
    ];
    for (const [script, message] of replacements) {
      const exec = { command: [shell, "sh", "-c", script] };
      const files = { "f/func.yml": functionFile({}, { exec, env: { F: "${{ output_file }}" } }) };
      const outcome = await run(ordinary, [{ name: "f", func: "./f" }], { files });
      assert.match(outcome.error?.message ?? "", message);
    }
  });

  const endings: readonly { name: string; script: string; said: string[] }[] = [
    {
      name: "is asked to end and may say its last words",
      script: "trap 'echo bye; exit 0' TERM; sleep 650 & echo ready; wait",
      said: ["ready", "bye"],
    },
    {
      name: "that ignores the polite signal is killed, with what it started",
      script: "trap '' TERM; sleep 651 & echo ready; while :; do sleep 652; done",
      said: ["ready"],
    },
  ];
  for (const { name, script, said } of endings) {
    test(`a cancelled command ${name}`, async () => {
      const canceling = new AbortController();
      const chunks: Uint8Array[] = [];
      const outcome = await run(
        ordinary,
        [
          { name: "s", script },
          { name: "never", script: "echo never" },
        ],
        {
          signal: canceling.signal,
          log: {
            write(chunk) {
              chunks.push(chunk);
              if (Buffer.from(chunk).includes("ready")) canceling.abort();
            },
          },
        },
      );
      assert.equal(outcome.status, "cancelled");
      assert.deepEqual(Buffer.concat(chunks).toString().split("\n"), ["Running step name=s", ...said, ""]);
      assert.doesNotMatch(await ordinary.busybox("ps"), /sleep 65/);
    });
  }

  test("a signal that was aborted before starts nothing", async () => {
    const outcome = await run(ordinary, [{ name: "s", script: "echo never" }], { signal: AbortSignal.abort() });
    assert.equal(outcome.status, "cancelled");
    assert.deepEqual(outcome.lines, []);
  });

  test("a process left in the background neither holds the step nor disturbs the next", async () => {
    const steps = [
      { name: "a", script: "sleep 653 & echo $!" },
      { name: "b", script: "echo b" },
    ];
    const [pid = "", b] = await output(ordinary, steps);
    assert.equal(b, "b");
    await ordinary.busybox("kill", pid);
  });

  test("the end of the container fails the step that runs, and ends the job", async () => {
    const container = await bench.start("busybox");
    const outcome = await run(container, [{ name: "s", script: "echo ready; sleep 30" }], {
      log: {
        write(chunk) {
          if (Buffer.from(chunk).includes("ready")) void container.kill();
        },
      },
    });
    assert.match(outcome.error?.message ?? "", /step "s": exec: the job's container has ended/);
    assert.equal(outcome.error?.code, "command_failed");
  });

  test("a lost connection is told apart: no job can bring that about", async () => {
    const outcome = await run(ordinary, [{ name: "s", script: "echo ready; exec sleep 5" }], {
      log: {
        write(chunk) {
          if (Buffer.from(chunk).includes("ready")) ordinary.disconnect();
        },
      },
    });
    assert.equal(outcome.error?.code, "host_lost");
    assert.match(outcome.error.message, /step "s": exec: the connection to the job's container was lost/);
  });

  test("what cannot be started at all says so", async () => {
    const { start } = ordinary;
    await assert.rejects(createContainerProcesses({ start, busybox: "/no/such", directory: "/tmp" }), /has ended/);
  });
});
