import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const mainFile = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Compiled code is kept from test to test, where tools keep such things. */
const compiledCode = fileURLToPath(new URL("../../../node_modules/.cache", import.meta.url));

/** How a `jobscope` process ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `jobscope` process of a test. */
export interface Running {
  readonly child: ChildProcess;
  /** Settles once stdout or stderr has had text that matches. Rejects when the process ends before. */
  said(pattern: RegExp): Promise<string>;
  readonly ended: Promise<Ended>;
}

export interface Surroundings {
  /** Removed after the test. */
  readonly directory: string;
  /** `TMPDIR` of the processes: whatever they leave in it, they left behind. */
  readonly temporary: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** A home, a data directory and a temporary directory of the test's own. */
export function makeSurroundings(test: TestContext): Surroundings {
  const directory = mkdtempSync(join(tmpdir(), "jobscope-cli-test-"));
  test.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  const temporary = mkdtempSync(join(directory, "tmp-"));
  // biome-ignore lint/style/noProcessEnv: children need PATH and little else
  const { PATH } = process.env;
  const environment = {
    PATH,
    XDG_CACHE_HOME: compiledCode,
    HOME: directory,
    XDG_DATA_HOME: join(directory, "share"),
    TMPDIR: temporary,
    LANG: "C.UTF-8",
  };
  return { directory, temporary, environment };
}

/** Starts `jobscope` as users do, as a process of its own. It is killed when the test ends before it does. */
export function startJobscope(
  test: TestContext,
  args: readonly string[],
  options: { environment: NodeJS.ProcessEnv; cwd?: string },
): Running {
  const flags = ["--conditions=jobscope-source", "--disable-warning=ExperimentalWarning", mainFile];
  const child = spawn(process.execPath, [...flags, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: options.environment,
    cwd: options.cwd,
  });
  test.after(() => child.kill("SIGKILL"));
  const text = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (chunk: string) => {
      text[stream] += chunk;
      for (const listener of listeners) listener();
    });
  }
  const ended = once(child, "close").then(
    ([exitCode, signal]: unknown[]): Ended => ({
      exitCode: exitCode as Ended["exitCode"],
      signal: signal as Ended["signal"],
      ...text,
    }),
  );
  return { child, ended, said: (pattern) => said(pattern, text, listeners, ended) };
}

/** Runs `jobscope` to its end. */
export async function jobscope(
  test: TestContext,
  args: readonly string[],
  options: { environment: NodeJS.ProcessEnv; cwd?: string },
): Promise<Ended> {
  return await startJobscope(test, args, options).ended;
}

async function said(
  pattern: RegExp,
  text: { stdout: string; stderr: string },
  listeners: Set<() => void>,
  ended: Promise<Ended>,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const look = (): void => {
    const found = pattern.exec(text.stdout) ?? pattern.exec(text.stderr);
    if (found !== null) resolve(found[0]);
  };
  listeners.add(look);
  look();
  void ended.then((end) => reject(new Error(`it ended without saying ${pattern}: ${JSON.stringify(end)}`)));
  return await promise.finally(() => listeners.delete(look));
}
