import { setTimeout as delay } from "node:timers/promises";
import { silentLog } from "@jobscope/labkit";
import { holdMemoryDown } from "../../src/commands/hold-memory-down.ts";
import { parseConfig } from "../../src/config/parse-config.ts";
import { startRunnerManager } from "../../src/manager/start-runner-manager.ts";
import type { RunnerProcessOptions, RunnerUsage } from "./runner-process.ts";

/** The program behind `startRunnerProcess`. */
const { config, directory } = JSON.parse(process.argv[2] ?? "") as RunnerProcessOptions;

holdMemoryDown();
const manager = await startRunnerManager({
  config: parseConfig(config, { environment: {}, workingDirectory: directory }),
  log: silentLog,
  workingDirectory: directory,
  observer: { jobEnded: ({ jobId }) => process.send?.({ endedJob: jobId }) },
});

process.on("message", async (message) => {
  if (message === "usage") process.send?.({ usage: await usage() });
  else {
    await manager[Symbol.asyncDispose]();
    process.disconnect();
  }
});
process.send?.({ ready: true });

async function usage(): Promise<RunnerUsage> {
  // What one collection frees may hold something back that only the next one sees.
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await delay(10);
  }
  const { heapUsed, external } = process.memoryUsage();
  return {
    heapBytes: heapUsed,
    externalBytes: external,
    resources: process.getActiveResourcesInfo(),
    runningJobs: manager.runningJobs.length,
  };
}
