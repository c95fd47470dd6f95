import { setTimeout as delay } from "node:timers/promises";
import { connectToCoordinator, type RemoteCoordinator } from "@jobscope/coordinator";
import { CommandError } from "../command-error.ts";
import type { HostOptions, PipelineHost } from "./pipeline-host.ts";

/** A coordinator holds its data directory for a moment before it listens. */
const patienceMs = 5_000;

/**
 * The coordinator that holds the data directory: of a `jobscope up`, `coordinator` or `exec` elsewhere on this machine.
 *
 * @returns `undefined` when none answers.
 * @throws {CommandError} when the command line asks for what it cannot do.
 */
export async function findRunningHost({ options }: HostOptions): Promise<PipelineHost | undefined> {
  const coordinator = await connect(options.dataDir.coordinator);
  if (coordinator === undefined) return undefined;
  const ours = [
    ...(options.out === undefined ? [] : ["--out"]),
    ...(options.otlpEndpoints.length === 0 ? [] : ["--otlp-endpoint"]),
    ...(options.isStored ? [] : ["--no-store"]),
    ...(options.awaitsRunners ? ["--runner external"] : []),
    ...(options.executor === "shell" ? ["--executor shell"] : []),
  ];
  if (ours.length > 0) {
    throw new CommandError(
      `the data directory ${options.dataDir.path} is in use by another jobscope, which would run the pipeline; with it ${ours.join(" and ")} cannot be had`,
      { hint: "Give this one its own directory: --data DIR" },
    );
  }
  return {
    coordinator,
    runners: `on the runners of ${coordinator.url}`,
    isElsewhere: true,
    prepare: async () => undefined,
    begin: async () => undefined,
    abort: () => undefined,
    settle: async () => undefined,
    leave: async () => undefined,
    [Symbol.asyncDispose]: async () => coordinator[Symbol.dispose](),
  };
}

async function connect(dataDir: string): Promise<RemoteCoordinator | undefined> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const coordinator = await connectToCoordinator(dataDir);
    if (coordinator !== undefined || performance.now() > untilMs) return coordinator;
    await delay(100);
  }
}
