import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { aRepository } from "./a-repository.ts";
import { makeSurroundings } from "./jobscope-process.ts";
import { Screen } from "./screen.ts";

const mainFile = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const hasScript = spawnSync("script", ["--version"]).status === 0;
const needsScript = hasScript ? {} : { skip: "script(1), which makes a pseudo-terminal, is not installed" };

/** Runs `jobscope exec` on a pseudo-terminal of this size. */
function execOnTerminal(
  test: TestContext,
  pipeline: string,
  size: { columns: number; rows: number; noColour?: boolean },
) {
  const surroundings = makeSurroundings(test);
  const cwd = aRepository(surroundings, { ".gitlab-ci.yml": pipeline });
  const command = `stty columns ${size.columns} rows ${size.rows}; exec ${process.execPath} --conditions=jobscope-source ${mainFile} exec --no-store`;
  const child = spawn("script", ["-qfec", command, "/dev/null"], {
    cwd,
    env: { ...surroundings.environment, TERM: "xterm-256color", ...(size.noColour ? { NO_COLOR: "1" } : {}) },
    stdio: ["pipe", "pipe", "inherit"],
  });
  test.after(() => child.kill("SIGKILL"));
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return {
    child,
    ended: once(child, "close").then(([exitCode]: unknown[]) => ({ exitCode, output })),
    soFar: () => output,
  };
}

const pipeline = `
one: { script: [echo one] }
two: { needs: [one], script: [echo two, exit 1] }
`;

test("on a terminal the waterfall is redrawn in place and the whole tree stays", needsScript, async (t) => {
  const { exitCode, output } = await execOnTerminal(t, pipeline, { columns: 80, rows: 30 }).ended;
  assert.equal(exitCode, 1);
  const screen = new Screen(80, 30);
  screen.write(output);
  const text = screen.text();
  assert.equal(text.match(/✓ one /g)?.length, 1, text);
  assert.equal(text.match(/✗ two /g)?.length, 2, "once in the tree, once above the end of its log");
  assert.match(text, /✓ step_script/);
  assert.match(text, /where the time went/);
  assert.ok(screen.isCursorVisible);
  assert.ok(output.includes("\u001b[?2026h"), "frames are drawn in synchronised updates");
  assert.ok(text.split("\n").every((line) => line.length <= 80));
});

test("with NO_COLOR no colour is written, but the waterfall still lives", needsScript, async (t) => {
  const { output } = await execOnTerminal(t, pipeline, { columns: 100, rows: 30, noColour: true }).ended;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that no colour is set is the point
  assert.doesNotMatch(output, /\u001b\[[0-9;]*m/);
  assert.ok(output.includes("\u001b[?2026h"));
});

test("Ctrl-C on the terminal cancels, leaves the cursor visible and the tree on the screen", needsScript, async (t) => {
  const run = execOnTerminal(t, "job: { script: [sleep 300] }", { columns: 80, rows: 24 });
  const running = Promise.withResolvers<void>();
  run.child.stdout.on("data", () => {
    if (run.soFar().includes("step_script")) running.resolve();
  });
  await running.promise;
  run.child.stdin.write("\u0003");
  const { exitCode, output } = await run.ended;
  assert.equal(exitCode, 130);
  const screen = new Screen(80, 24);
  screen.write(output);
  assert.match(screen.text(), /pipeline \d+ was cancelled/);
  assert.ok(screen.isCursorVisible);
});
