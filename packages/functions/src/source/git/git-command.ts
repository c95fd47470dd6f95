import { spawn } from "node:child_process";
import { redactCredentials } from "../../definition/reference.ts";
import { FunctionError } from "../../function-error.ts";
import { fetchFailure } from "../fetch-limits.ts";

/** How to call git for one repository. */
export interface GitAccess {
  readonly program: string;
  /** Without user and password. */
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

// Settings of the user's that concern the way to the server; all other GIT_* could lead git elsewhere.
const keptVariables = /^GIT_(?:SSL_.+|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM)|PROXY_SSL_.+|HTTP_USER_AGENT)$/;

/**
 * Prepares calls of git for a URL. User and password travel in git's environment as a header for that host alone: not
 * in arguments, which every process of the machine can read, nor in any file.
 */
export function gitAccess(
  program: string,
  urlWithCredentials: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): GitAccess {
  const url = new URL(urlWithCredentials);
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = "";
  url.password = "";
  const settings: [string, string][] = [
    ["core.hooksPath", "/dev/null"],
    ["core.fsmonitor", "false"],
    ["fetch.unpackLimit", "1"], // keep packs whole: their size is what came over the network
    ["advice.detachedHead", "false"],
    ["init.defaultBranch", "main"],
    ["gc.auto", "0"],
  ];
  if (login !== ":") {
    settings.push([`http.${url.origin}/.extraHeader`, `Authorization: Basic ${Buffer.from(login).toString("base64")}`]);
  }
  return { program, url: url.href.replace(/\/$/, ""), env: gitEnvironment(env, settings), signal };
}

function gitEnvironment(
  env: Readonly<Record<string, string>>,
  settings: readonly (readonly [string, string])[],
): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith("GIT_") || keptVariables.test(name));
  return {
    ...Object.fromEntries(kept),
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ALLOW_PROTOCOL: "http:https",
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

const maxOutputBytes = 32 * 1024 * 1024;
const maxErrorBytes = 16 * 1024;

/**
 * Runs git and returns its standard output.
 *
 * @throws {FunctionError} `fetch_failed` with git's own last words, without credentials; `cancelled`.
 */
export async function runGit(access: GitAccess, cwd: string, args: readonly string[]): Promise<string> {
  access.signal.throwIfAborted();
  const child = spawn(access.program, args, {
    cwd,
    env: access.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a group of its own: git's transport helpers end with it
  });
  const output: Buffer[] = [];
  let outputBytes = 0;
  let errorText = "";
  const kill = () => killGroup(child.pid);
  child.stdout.on("data", (chunk: Buffer) => {
    outputBytes += chunk.length;
    if (outputBytes > maxOutputBytes) kill();
    else output.push(chunk);
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    errorText = (errorText + chunk).slice(-maxErrorBytes);
  });
  access.signal.addEventListener("abort", kill, { once: true });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", (error: NodeJS.ErrnoException) =>
    reject(fetchFailure(`git cannot be started (${error.code})`, error)),
  );
  child.once("close", resolve);
  try {
    const exitCode = await promise;
    access.signal.throwIfAborted();
    if (exitCode !== 0) throw fetchFailure(lastWords(errorText) || `git ended with ${exitCode ?? "a signal"}`);
    return Buffer.concat(output).toString();
  } finally {
    access.signal.removeEventListener("abort", kill);
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // it has ended
  }
}

/** The lines of git's messages that say what is wrong. */
function lastWords(text: string): string {
  const lines = redactCredentials(text)
    .split(/[\r\n]+/)
    .filter((line) => /^(?:fatal|error|remote): ./.test(line));
  return lines.slice(-2).join("; ").slice(0, 500);
}

/** True for failures of git itself, which another way of asking may avoid. */
export function isGitRefusal(error: unknown): error is FunctionError {
  return error instanceof FunctionError && error.code === "fetch_failed";
}
