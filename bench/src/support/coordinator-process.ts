/**
 * A coordinator in a process of its own: `coordinator-process.ts <directory>`. Prints its URL and a runner token, and for each
 * line on stdin starts a pipeline of `<directory>/config.yml` and prints when each job was ready, all as JSON.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startCoordinator } from "@jobscope/coordinator";
import { silentLog } from "@jobscope/labkit";

const [directory = ""] = process.argv.slice(2);
const repository = join(directory, "repository");
mkdirSync(repository);
copyFileSync(join(directory, "config.yml"), join(repository, ".gitlab-ci.yml"));
execFileSync("git", ["init", "--quiet", repository]);

const coordinator = await startCoordinator({
  listen: "127.0.0.1:0",
  dataDir: join(directory, "data"),
  log: silentLog,
  telemetry: { form: "none", endpoints: [] },
});
let plan = await coordinator.planPipeline({ repository });
const { token } = coordinator.createRunnerToken({ description: "bench" });
process.stdout.write(`${JSON.stringify({ url: coordinator.url, token })}\n`);
for await (const _line of createInterface(process.stdin)) {
  const jobs = coordinator.startPipeline(plan).jobs();
  const readyAtMs = Object.fromEntries(jobs.map(({ id, queuedAtMs }) => [id, queuedAtMs]));
  process.stdout.write(`${JSON.stringify(readyAtMs)}\n`);
  plan = await coordinator.planPipeline({ repository });
}
