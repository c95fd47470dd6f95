import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { CollectorAddresses } from "../../src/index.ts";

/** A collector in a process of its own. */
export interface CollectorProcess extends AsyncDisposable {
  readonly pid: number;
  readonly addresses: CollectorAddresses;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Lets it end in order. @returns its exit code. */
  stop(): Promise<number | null>;
}

export async function startCollectorProcess(dataDir: string): Promise<CollectorProcess> {
  const child = fork(join(import.meta.dirname, "run-collector.ts"), [dataDir], {
    execArgv: ["--conditions=jobscope-source"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [addresses] = (await once(child, "message")) as [CollectorAddresses];
  return {
    pid: child.pid ?? 0,
    addresses,
    async kill() {
      await ended(child, () => child.kill("SIGKILL"));
    },
    async stop() {
      await ended(child, () => child.disconnect());
      return child.exitCode;
    },
    async [Symbol.asyncDispose]() {
      await ended(child, () => child.kill("SIGKILL"));
    },
  };
}

async function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  end();
  await exit;
}
