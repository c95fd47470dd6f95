import { resolve } from "node:path";
import { startCoordinator } from "@jobscope/coordinator";
import { createEndpointPool, createLog, createSpanProcessor } from "@jobscope/labkit";
import { checkedAddress } from "../checked-address.ts";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import { openDataDir } from "../data-dir.ts";
import { aborted, watchInterrupts } from "../interrupts.ts";
import { endpointSpecOf, parseOtlpEndpoints } from "../local-ci/otlp-endpoint.ts";

/** The command line of `jobscope coordinator`. */
export interface CoordinatorFlags {
  readonly listen: string;
  readonly data: string;
  readonly watch?: boolean;
  readonly repository: string;
  readonly otlpEndpoint?: readonly string[];
  readonly registrationToken?: string;
  readonly sample: string;
  readonly traceProject?: readonly string[];
}

/** `jobscope coordinator`: runs until a signal. */
export async function runCoordinator(
  flags: CoordinatorFlags,
  { stdout, workingDirectory, environment }: CommandContext,
  { isDebug }: { isDebug: boolean },
): Promise<void> {
  using interrupts = watchInterrupts();
  const log = createLog({ level: isDebug ? "debug" : "info" });
  const endpoints = parseOtlpEndpoints(flags.otlpEndpoint ?? [], [], environment);
  await using pool = createEndpointPool({ log });
  await using coordinator = await startCoordinator({
    listen: checkedAddress("--listen", flags.listen),
    dataDir: (await openDataDir(flags.data)).coordinator,
    log,
    telemetry: {
      form: endpoints.length === 0 ? "none" : "shipped",
      endpoints: endpoints.map(({ url }) => ({ url })),
      samplingRatio: shareOf(flags.sample),
      ...(flags.traceProject === undefined ? {} : { projects: flags.traceProject }),
    },
    spanProcessors: [createSpanProcessor(endpoints.map((endpoint) => pool.endpoint(endpointSpecOf(endpoint))))],
    ...(flags.registrationToken === undefined ? {} : { registrationToken: flags.registrationToken }),
  });
  const watched =
    flags.watch === true && (await coordinator.watchRepository(resolve(workingDirectory, flags.repository)));
  const { token } = coordinator.createRunnerToken({ description: "made at start" });
  stdout.write(`coordinator   ${coordinator.url}\nrunner token  ${token}\n`);
  if (watched !== false) stdout.write(`git push to   ${watched.pushUrl}\n`);
  await aborted(interrupts.polite);
}

function shareOf(text: string): number {
  const share = Number(text);
  if (text.trim() !== "" && share >= 0 && share <= 1) return share;
  throw new CommandError(`--sample: "${text}" is no number from 0 to 1`);
}
