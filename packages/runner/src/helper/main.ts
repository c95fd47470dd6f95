/**
 * `jobscope-helper`: does the file work of a job beside its files, in a container say, for a runner at the other end of
 * its standard streams. What they say to each other: `workspace/helper-protocol.ts`.
 */
import { processEnvironment } from "../config/process-environment.ts";
import { runnerVersion } from "../runner-version.ts";
import { serveTasksCommand } from "../workspace/helper-protocol.ts";
import { serveTasks } from "./serve-tasks.ts";

const [command] = process.argv.slice(2);
if (command === serveTasksCommand) {
  await serveTasks({ input: process.stdin, output: process.stdout, environment: processEnvironment() });
} else if (command === "--version") {
  process.stdout.write(`${runnerVersion}\n`);
} else {
  process.stderr.write(`usage: jobscope-helper ${serveTasksCommand} | --version\n`);
  process.exitCode = 2;
}
