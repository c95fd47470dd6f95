import { resolve } from "node:path";
import { readApiToken } from "../api-token.ts";
import { checkedAddress } from "../checked-address.ts";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import { openDataDir } from "../data-dir.ts";
import type { ExecOptions } from "../exec/exec-options.ts";
import { parseVariables } from "../exec/parse-variable.ts";
import type { ExitCode } from "../exit-code.ts";
import { type Interrupts, watchInterrupts } from "../interrupts.ts";
import { beginCollector } from "../local-ci/collector-process.ts";

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
  readonly runner: "own" | "external";
  readonly executor: "auto" | "shell";
  readonly listen: string;
}

/** `jobscope exec`. @returns 0 when the pipeline passed, 1 when it failed, 130 when a signal cancelled it. */
export async function runExec(
  jobs: readonly string[],
  flags: ExecFlags,
  context: CommandContext,
  { isDebug }: { isDebug: boolean },
): Promise<ExitCode> {
  using interrupts = watchInterrupts();
  const options = optionsOf(jobs, flags, context, isDebug);
  try {
    if (flags.list !== true) return await run(context, options, interrupts);
    const { listPipeline } = await import("../exec/list-pipeline.ts");
    return await listPipeline(context, options, interrupts);
  } catch (error) {
    if (!interrupts.polite.aborted) throw error;
    context.stderr.write("jobscope: interrupted before anything ran\n");
    return 130;
  }
}

/** The collector's process comes up while the runner and the coordinator are loaded here; both take about as long. */
async function run(context: CommandContext, options: ExecOptions, interrupts: Interrupts): Promise<ExitCode> {
  const dataDir = await openDataDir(options.dataDir);
  const apiToken = readApiToken(undefined, context.environment);
  await using collector = options.isStored
    ? beginCollector(dataDir, { signal: interrupts.polite, apiToken })
    : undefined;
  const { execPipeline } = await import("../exec/exec-pipeline.ts");
  return await execPipeline(context, { ...options, dataDir, collector: collector?.ready }, interrupts);
}

function optionsOf(jobs: readonly string[], flags: ExecFlags, context: CommandContext, isDebug: boolean): ExecOptions {
  const concurrent = Number(flags.jobs);
  if (!Number.isInteger(concurrent) || concurrent < 1 || concurrent > 256) {
    throw new CommandError(`--jobs: "${flags.jobs}" is no number from 1 to 256`);
  }
  return {
    repository: resolve(context.workingDirectory, flags.cwd),
    jobs,
    listen: checkedAddress("--listen", flags.listen),
    awaitsRunners: flags.runner === "external",
    executor: flags.executor,
    concurrent,
    variables: parseVariables(flags, context.environment),
    dataDir: flags.data,
    otlpEndpoints: flags.otlpEndpoint ?? [],
    otlpHeaders: flags.otlpHeader ?? [],
    isStored: flags.store,
    out: flags.out,
    isPlain: flags.plain === true || !context.isLiveTerminal,
    isDebug,
  };
}
