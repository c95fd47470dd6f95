/**
 * A process that runs a coordinator and dies, as by `kill -9`, right after its n-th write of state:
 * `crashing-coordinator.ts <data dir> <repository> <writes before the crash>`. Prints its URL and runner token as JSON.
 */
import { StatementSync } from "node:sqlite";
import { silentLog } from "@jobscope/labkit";
import { startCoordinator } from "../../src/index.ts";

const [dataDir = "", repository = "", writes = "0"] = process.argv.slice(2);
let left = Number(writes);
const run = StatementSync.prototype.run;
StatementSync.prototype.run = function (this: StatementSync, ...values: Parameters<typeof run>) {
  const result = run.apply(this, values);
  left -= 1;
  if (left === 0) process.kill(process.pid, "SIGKILL");
  return result;
} as typeof run;

const telemetry = { form: "none", endpoints: [] } as const;
const coordinator = await startCoordinator({
  listen: "127.0.0.1:0",
  dataDir,
  log: silentLog,
  telemetry,
  longPollMs: 200,
});
const { token } = coordinator.createRunnerToken({ description: "r" });
process.stdout.write(`${JSON.stringify({ url: coordinator.url, token })}\n`);
await coordinator.createPipeline({ repository });
