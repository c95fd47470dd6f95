import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { findRunningCollector } from "@jobscope/collector/client";
import { z } from "zod";
import { CommandError } from "../command-error.ts";
import type { DataDir } from "../data-dir.ts";

/** The collector that a command sends to: one that was running, or a child of this process. */
export interface CollectorProcess extends AsyncDisposable {
  readonly otlpHttpUrl: string;
  readonly apiUrl: string;
  /** For its query API, when somebody else started it. */
  readonly apiToken?: string;
  /** False when somebody else started it: it then stays when we go. */
  readonly isOurs: boolean;
}

/** How its query API is asked. */
export function apiOf({ apiUrl, apiToken }: CollectorProcess): { apiUrl: string; token?: string } {
  return { apiUrl, ...(apiToken === undefined ? {} : { token: apiToken }) };
}

/** What the child says once it listens. */
const collectorReadySchema = z.object({
  kind: z.literal("collector ready"),
  otlpHttpUrl: z.string(),
  apiUrl: z.string(),
});

export interface CollectorAddressFlags {
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  readonly api: string;
}

const anyFreePorts: CollectorAddressFlags = { otlpHttp: "127.0.0.1:0", otlpGrpc: "none", api: "127.0.0.1:0" };

/** Opening a large store takes a few seconds on a slow disk. */
const startTimeoutMs = 60_000;

/** The collector stores what it has taken before it goes. */
const stopTimeoutMs = 10_000;

/**
 * Finds the collector of a data directory, or starts one as a process of its own, so that a crash of the database
 * engine cannot hurt a job. The child ends when this process does, however that happens: their channel closes.
 *
 * @throws {CommandError} with what the collector said, when it does not start.
 */
export async function openCollector(
  dataDir: DataDir,
  options: { signal: AbortSignal; addresses?: CollectorAddressFlags; apiToken?: string | undefined },
): Promise<CollectorProcess> {
  const running = await findRunningCollector(dataDir.store);
  if (running?.otlpHttpUrl !== undefined && running.apiUrl !== undefined) {
    const { otlpHttpUrl, apiUrl } = running;
    const credentials = options.apiToken === undefined ? {} : { apiToken: options.apiToken };
    return { otlpHttpUrl, apiUrl, ...credentials, isOurs: false, async [Symbol.asyncDispose]() {} };
  }
  return await startChild(dataDir, options.addresses ?? anyFreePorts, options.signal);
}

/** A collector on its way. Disposing of it ends it, if it is ours, also while it is still starting. */
export interface CollectorBeginning extends AsyncDisposable {
  readonly ready: Promise<CollectorProcess>;
}

/** Like `openCollector`, but without waiting for it. */
export function beginCollector(
  dataDir: DataDir,
  options: { signal: AbortSignal; apiToken: string | undefined },
): CollectorBeginning {
  const unwanted = new AbortController();
  const signal = AbortSignal.any([options.signal, unwanted.signal]);
  const ready = openCollector(dataDir, { ...options, signal });
  // Whoever waits for it hears of a failure; until then it is nobody's unhandled rejection.
  ready.catch(() => undefined);
  return {
    ready,
    async [Symbol.asyncDispose]() {
      unwanted.abort(new Error("the collector is not needed"));
      const collector = await ready.catch(() => undefined);
      await collector?.[Symbol.asyncDispose]();
    },
  };
}

async function startChild(
  dataDir: DataDir,
  addresses: CollectorAddressFlags,
  signal: AbortSignal,
): Promise<CollectorProcess> {
  const { otlpHttp, otlpGrpc, api } = addresses;
  const flags = ["--data", dataDir.path, "--otlp-http", otlpHttp, "--otlp-grpc", otlpGrpc, "--api", api];
  // A process group of its own: a Ctrl-C in the terminal is ours to hear, the collector is needed until the last span.
  const child = spawn(process.execPath, [...process.execArgv, mainFile(), "collector", ...flags], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    detached: true,
  });
  const stop = (): Promise<void> => stopChild(child);
  try {
    const ready = await readyMessage(child, AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]));
    return { ...ready, isOurs: true, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** This package's entry, as source or as built. */
function mainFile(): string {
  return fileURLToPath(new URL(`../main${extname(import.meta.filename)}`, import.meta.url));
}

async function readyMessage(
  child: ChildProcess,
  signal: AbortSignal,
): Promise<{ otlpHttpUrl: string; apiUrl: string }> {
  const said = tailOf(child);
  const exit = once(child, "exit", { signal }).then(([code]: unknown[]) => {
    throw new CommandError(`the collector did not start${describeExit(code, said())}`);
  });
  const message = once(child, "message", { signal }).then(([value]: unknown[]) => collectorReadySchema.parse(value));
  try {
    return await Promise.race([message, exit]);
  } catch (error) {
    if (error instanceof CommandError || !signal.aborted) throw error;
    throw new CommandError(`the collector was not ready in time${describeExit(undefined, said())}`, { cause: error });
  } finally {
    exit.catch(() => undefined);
    message.catch(() => undefined);
  }
}

/** Keeps the last of what the child writes to stderr, and keeps the pipe from filling. */
function tailOf(child: ChildProcess): () => string {
  let tail = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    tail = (tail + text).slice(-4000);
  });
  return () => tail;
}

function describeExit(code: unknown, said: string): string {
  const lines = said.split("\n").map((line) => line.replace(/^jobscope: /, "").trim());
  const last = lines.filter((line) => line !== "" && !line.startsWith("{")).slice(0, 3);
  if (last.length > 0) return `: ${last.join(" ")}`;
  return typeof code === "number" ? ` (exit code ${code})` : "";
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
  await exited;
  clearTimeout(timer);
}
