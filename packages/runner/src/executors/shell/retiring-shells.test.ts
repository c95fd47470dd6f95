import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { createOutputPipeFactory } from "./output-pipes.ts";
import { createRetiringShells } from "./retiring-shells.ts";
import { startShell } from "./shell-process.ts";

test("a profile that never ends is stopped after its time", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-retiring-"));
  const pipes = createOutputPipeFactory(directory, "pipes-");
  const shell = await startShell({
    command: ["sh", "-c", "while :; do sleep 600; done"],
    environment: { PATH: "/usr/bin:/bin" },
    workingDirectory: directory,
    mark: "test",
    pipes,
  });
  const retiring = createRetiringShells({ graceMs: 500, killMs: 500 }, { finishMs: 1 });
  retiring.retire(Promise.resolve(shell));
  await retiring.settled();
  assert.equal((await shell.exited).signal, "SIGTERM");
  await pipes[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

test("a shell that could not be started is nothing to wait for", async () => {
  const retiring = createRetiringShells({ graceMs: 500, killMs: 500 });
  retiring.retire(Promise.resolve(undefined));
  await retiring.settled();
});
