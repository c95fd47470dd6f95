import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { createLog } from "@jobscope/labkit";
import { checkedAddress } from "../checked-address.ts";
import type { CommandContext } from "../context.ts";
import { openDataDir } from "../data-dir.ts";
import { aborted, watchInterrupts } from "../interrupts.ts";
import { openCollector } from "../local-ci/collector-process.ts";
import { prepareContainers, whyNoContainers } from "../local-ci/containers.ts";
import { startLocalCi } from "../local-ci/local-ci.ts";
import { registrationCommands } from "../local-ci/registration-commands.ts";

/** The command line of `jobscope up`. */
export interface UpFlags {
  readonly listen: string;
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  readonly api: string;
  readonly data: string;
  readonly watch?: boolean;
  readonly repository: string;
}

/** `jobscope up`: everything on loopback, until a signal. */
export async function runUp(flags: UpFlags, context: CommandContext, { isDebug }: { isDebug: boolean }): Promise<void> {
  using interrupts = watchInterrupts();
  const log = createLog({ level: isDebug ? "debug" : "info" });
  const dataDir = await openDataDir(flags.data);
  const addresses = {
    otlpHttp: checkedAddress("--otlp-http", flags.otlpHttp),
    otlpGrpc: checkedAddress("--otlp-grpc", flags.otlpGrpc),
    api: checkedAddress("--api", flags.api),
  };
  const listen = checkedAddress("--listen", flags.listen);
  await using collector = await openCollector(dataDir, { signal: interrupts.polite, addresses });
  await using ci = await startLocalCi({ dataDir, listen, collector, otlpEndpoints: [], spanProcessors: [], log });
  const noContainers = await whyNoContainers();
  const note = (text: string): void => void context.stderr.write(`${text}\n`);
  if (noContainers === undefined) await prepareContainers({ log, note, signal: interrupts.polite });
  else note(`${noContainers}. Jobs with an image wait for a runner that has one.`);
  const containers = noContainers === undefined ? "docker" : "none";
  await ci.startRunner({ concurrent: availableParallelism(), environment: context.environment, containers });
  const repository = resolve(context.workingDirectory, flags.repository);
  const watched = flags.watch === true && (await ci.coordinator.watchRepository(repository));
  const { token } = ci.coordinator.createRunnerToken({ description: "registered by hand", ignoresTags: true });
  context.stdout.write(
    `coordinator  ${ci.coordinator.url}\nOTLP/HTTP    ${collector.otlpHttpUrl}\nquery API    ${collector.apiUrl}\n` +
      (watched === false ? "" : `git push to  ${watched.pushUrl}\n`) +
      "\nRun a pipeline here, in its repository: jobscope exec\n" +
      `Register another runner:\n${registrationCommands({ url: ci.coordinator.url, token })}`,
  );
  await aborted(interrupts.polite);
}
