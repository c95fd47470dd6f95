/**
 * `jobscope-helper`: does the file work of a job beside its files, in a container say, for a runner at the other end of
 * its standard streams. What they say to each other: `workspace/helper-protocol.ts`.
 */
import { processEnvironment } from "../config/process-environment.ts";
import { awaitPortCommand } from "../helper-image/helper-image.ts";
import { runnerVersion } from "../runner-version.ts";
import { serveTasksCommand } from "../workspace/helper-protocol.ts";
import { awaitPort } from "./await-port.ts";
import { serveTasks } from "./serve-tasks.ts";

void main(process.argv.slice(2));

async function main([command, ...parameters]: readonly string[]): Promise<void> {
  if (command === serveTasksCommand) {
    await serveTasks({ input: process.stdin, output: process.stdout, environment: processEnvironment() });
  } else if (command === awaitPortCommand) {
    const [timeoutMs, ...addresses] = parameters;
    const say = (line: string) => void process.stderr.write(`${line}\n`);
    process.exitCode = (await awaitPort(addresses, { timeoutMs: Number(timeoutMs), say })) ? 0 : 1;
  } else if (command === "--version") {
    process.stdout.write(`${runnerVersion}\n`);
  } else {
    process.stderr.write(
      `usage: jobscope-helper ${serveTasksCommand} | ${awaitPortCommand} MS HOST:PORT… | --version\n`,
    );
    process.exitCode = 2;
  }
}
