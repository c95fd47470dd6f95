import { spawn } from "node:child_process";
import type { ChildEnvironment } from "./child-environment.ts";

/** How a child process ended. */
export interface ProcessResult {
  /** `undefined` when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** What to run and within which bounds. */
export interface ProcessOptions {
  readonly cwd?: string;
  readonly environment: ChildEnvironment;
  readonly input?: string | Uint8Array;
  /** Milliseconds, default 120 000. */
  readonly timeoutMs?: number;
  /** Largest stdout. Bytes, default 256 MiB; beyond it the process is stopped. */
  readonly maxOutputBytes?: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs a program to its end and collects what it prints. Its exit code is a value, not an error.
 * @throws {Error} when it cannot start, runs too long, prints too much, or the signal aborts.
 */
export async function runProcess(
  program: string,
  args: readonly string[],
  options: ProcessOptions,
): Promise<ProcessResult> {
  const { cwd, environment, input, timeoutMs = 120_000, maxOutputBytes = 256 << 20, signal } = options;
  const limit = AbortSignal.timeout(timeoutMs);
  const child = spawn(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: environment,
    stdio: ["pipe", "pipe", "pipe"],
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    killSignal: "SIGKILL",
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let stdoutBytes = 0;
  let stderrBytes = 0;
  const { promise, resolve, reject } = Promise.withResolvers<ProcessResult>();
  child.stdout.on("data", (chunk: Buffer) => {
    stdoutBytes += chunk.length;
    if (stdoutBytes <= maxOutputBytes) stdout.push(chunk);
    else child.kill("SIGKILL");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderrBytes += chunk.length;
    if (stderrBytes <= 1 << 20) stderr.push(chunk);
  });
  child.on("error", (cause) => {
    const why = limit.aborted ? `took longer than ${timeoutMs} ms` : cause.message;
    reject(new Error(`${program} ${args[0] ?? ""}: ${why}`, { cause }));
  });
  child.on("close", (code) => {
    if (stdoutBytes > maxOutputBytes) reject(new Error(`${program} ${args[0] ?? ""}: printed too much`));
    else {
      const result = { stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString("utf8") };
      resolve({ exitCode: code ?? undefined, ...result });
    }
  });
  child.stdin.on("error", () => {
    // The program may end without reading its input; its exit code tells what that meant.
  });
  child.stdin.end(input);
  return await promise;
}
