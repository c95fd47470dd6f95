import { resolve } from "node:path";
import { startCoordinator } from "@jobscope/coordinator";
import { createLog } from "@jobscope/labkit";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import { openDataDir } from "../data-dir.ts";
import type { ExecOptions } from "../exec/exec-options.ts";
import { execPipeline, requestOf } from "../exec/exec-pipeline.ts";
import { parseVariables } from "../exec/parse-variable.ts";
import { printPlan } from "../exec/print-pipeline.ts";
import type { ExitCode } from "../exit-code.ts";
import { type Interrupts, watchInterrupts } from "../interrupts.ts";
import { parseOtlpEndpoints } from "../local-ci/otlp-endpoint.ts";

/** The command line of `jobscope exec`. */
export interface ExecFlags {
  readonly jobs: string;
  readonly variable?: readonly string[];
  readonly maskedVariable?: readonly string[];
  readonly fileVariable?: readonly string[];
  readonly list?: boolean;
  readonly out?: string;
  readonly data: string;
  readonly otlpEndpoint?: readonly string[];
  readonly otlpHeader?: readonly string[];
  readonly store: boolean;
  readonly cwd: string;
  readonly plain?: boolean;
}

/** `jobscope exec`. @returns 0 when the pipeline passed, 1 when it failed or was cancelled. */
export async function runExec(
  jobs: readonly string[],
  flags: ExecFlags,
  context: CommandContext,
  { isDebug }: { isDebug: boolean },
): Promise<ExitCode> {
  using interrupts = watchInterrupts();
  const options = optionsOf(jobs, flags, context, isDebug);
  try {
    return await (flags.list === true ? list : execPipeline)(context, options, interrupts);
  } catch (error) {
    if (!interrupts.polite.aborted) throw error;
    context.stderr.write("jobscope: interrupted before anything ran\n");
    return 1;
  }
}

function optionsOf(jobs: readonly string[], flags: ExecFlags, context: CommandContext, isDebug: boolean): ExecOptions {
  const concurrent = Number(flags.jobs);
  if (!Number.isInteger(concurrent) || concurrent < 1 || concurrent > 256) {
    throw new CommandError(`--jobs: "${flags.jobs}" is no number from 1 to 256`);
  }
  return {
    repository: resolve(context.workingDirectory, flags.cwd),
    jobs,
    concurrent,
    variables: parseVariables(flags, context.environment),
    dataDir: flags.data,
    otlpEndpoints: parseOtlpEndpoints(flags.otlpEndpoint ?? [], flags.otlpHeader ?? []),
    isStored: flags.store,
    out: flags.out,
    isPlain: flags.plain === true || !context.isLiveTerminal,
    isDebug,
  };
}

/** Expands the configuration and says what it holds; no collector, no runner. */
async function list(context: CommandContext, options: ExecOptions, interrupts: Interrupts): Promise<ExitCode> {
  const { coordinator: dataDir } = await openDataDir(options.dataDir);
  const log = createLog({ level: options.isDebug ? "debug" : "warn", format: "text" });
  const telemetry = { form: "none", endpoints: [] } as const;
  await using coordinator = await startCoordinator({ listen: "127.0.0.1:0", dataDir, log, telemetry });
  printPlan(context, await coordinator.planPipeline(requestOf(options, interrupts.polite)));
  return 0;
}
