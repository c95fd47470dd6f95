/**
 * A process that runs a coordinator with one pipeline until it is killed: `crashing-coordinator.ts <data dir> <repository>`.
 * Prints its URL and runner token as JSON.
 */
import { silentLog } from "@jobscope/labkit";
import { startCoordinator } from "../../src/index.ts";

const [dataDir = "", repository = ""] = process.argv.slice(2);
const telemetry = { form: "none", endpoints: [] } as const;
const coordinator = await startCoordinator({ listen: "127.0.0.1:0", dataDir, log: silentLog, telemetry });
const { token } = coordinator.createRunnerToken({ description: "r" });
await coordinator.createPipeline({ repository });
process.stdout.write(`${JSON.stringify({ url: coordinator.url, token })}\n`);
