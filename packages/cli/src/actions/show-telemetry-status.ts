import { checkEndpointSpec, inspectSpool, spoolKeyOfSpec } from "@jobscope/labkit";
import type { RunnerManagerConfig, TelemetryConfig } from "@jobscope/runner";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";
import {
  type RunnerTelemetry,
  runnerTelemetry,
  type SpoolOfEndpoint,
  spoolStatusLines,
  telemetryStatusLines,
} from "../view/telemetry-status.ts";
import { readRunnerConfig } from "./read-runner-config.ts";

/** The command line of `jobscope telemetry status`. */
export interface TelemetryStatusFlags {
  readonly config: string;
  readonly listenAddress?: string;
  readonly json?: boolean;
}

/**
 * `jobscope telemetry status`. @returns 1 when an endpoint does not take spans now, or nobody is there to send what is left.
 *
 * @throws {CommandError} when neither a running runner nor a spool can be asked. @throws {ConfigError}
 */
export async function showTelemetryStatus(flags: TelemetryStatusFlags, context: CommandContext): Promise<ExitCode> {
  const config = await readRunnerConfig(flags.config, context);
  const asked = await askRunner(flags.listenAddress ?? config.listenAddress);
  if (typeof asked !== "string") {
    const lines = flags.json === true ? [JSON.stringify(asked, undefined, 2)] : telemetryStatusLines(asked, context);
    context.stdout.write(`${lines.join("\n")}\n`);
    return asked.endpoints.every(({ breaker, spool }) => breaker === "closed" && spool?.isWorking !== false) ? 0 : 1;
  }
  const { telemetry } = config;
  if (telemetry.spoolDir === undefined) {
    throw new CommandError(`${asked}, and it has no spool directory to look at`, {
      hint: "listen_address in the configuration, or --listen-address, says where a runner can be asked.",
    });
  }
  const spools = await readSpools(telemetry, telemetry.spoolDir);
  if (flags.json !== true) context.stderr.write(`jobscope: ${asked}; this is what its spool holds\n`);
  const lines =
    flags.json === true
      ? [JSON.stringify({ spools }, undefined, 2)]
      : spoolStatusLines(spools, telemetry.spoolDir, context);
  context.stdout.write(`${lines.join("\n")}\n`);
  return spools.some(({ isInUse, unsentSpans, openSpans }) => !isInUse && unsentSpans + openSpans > 0) ? 1 : 0;
}

/** @returns what the runner said, or why there is no answer. */
async function askRunner(listenAddress: RunnerManagerConfig["listenAddress"]): Promise<RunnerTelemetry | string> {
  if (listenAddress === undefined) return "the runner has no listen_address to be asked at";
  const url = `http://${reachable(listenAddress)}/debug/telemetry`;
  if (!URL.canParse(url)) return `"${listenAddress}" is no address that could be asked`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000), redirect: "error" });
    const state = runnerTelemetry.safeParse(await response.json().catch(() => undefined));
    return state.data ?? `what answers at ${url} is no runner of ours`;
  } catch {
    return `no runner answers at ${url}`;
  }
}

/** `:9252` → this machine; without a port GitLab's (runner-protocol.md §6.10). */
function reachable(listenAddress: string): string {
  const withHost = listenAddress.replace(/^(?:0\.0\.0\.0|\[::\])?(?=:\d+$)/, "127.0.0.1");
  return /:\d+$/.test(withHost) ? withHost : `${withHost}:9252`;
}

async function readSpools({ policy }: TelemetryConfig, directory: string): Promise<SpoolOfEndpoint[]> {
  const nameByKey = new Map(
    policy.staticEndpoints.map((spec) => {
      const check = checkEndpointSpec(spec);
      return [spoolKeyOfSpec(spec), check.kind === "usable" ? check.endpoint.name : spec.url];
    }),
  );
  const spools = await inspectSpool(directory);
  return spools.map((spool) => ({
    endpoint: nameByKey.get(spool.key) ?? "not configured here (of a payload?)",
    ...spool,
  }));
}
