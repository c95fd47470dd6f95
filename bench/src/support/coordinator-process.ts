/**
 * A coordinator in a process of its own: `coordinator-process.ts <directory>`. Prints its URL and a runner token, and for each
 * line on stdin, a number of jobs, starts a pipeline of as many and prints when each was ready, all as JSON.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startCoordinator } from "@jobscope/coordinator";
import { silentLog } from "@jobscope/labkit";

const [directory = ""] = process.argv.slice(2);
const repository = join(directory, "repository");
execFileSync("git", ["init", "--quiet", repository]);

const coordinator = await startCoordinator({
  listen: "127.0.0.1:0",
  dataDir: join(directory, "data"),
  log: silentLog,
  telemetry: { form: "none", endpoints: [] },
});
const { token } = coordinator.createRunnerToken({ description: "bench" });
process.stdout.write(`${JSON.stringify({ url: coordinator.url, token })}\n`);
for await (const line of createInterface(process.stdin)) {
  const blocks = Array.from(
    { length: Number(line) / 200 },
    (_, index) => `job${index}: { script: [x], parallel: 200 }\n`,
  );
  writeFileSync(join(repository, ".gitlab-ci.yml"), blocks.join(""));
  const jobs = (await coordinator.createPipeline({ repository })).jobs();
  const readyAtMs = Object.fromEntries(jobs.map(({ id, queuedAtMs }) => [id, queuedAtMs]));
  process.stdout.write(`${JSON.stringify(readyAtMs)}\n`);
}
