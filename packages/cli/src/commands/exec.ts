import { availableParallelism } from "node:os";
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
import { parseOtlpEndpoints } from "../local-ci/otlp-endpoint.ts";
import type { ExitCode } from "../run-command-line.ts";
import { type AddCommand, collect, examples } from "./add-command.ts";
import { type Interrupts, watchInterrupts } from "./interrupts.ts";

interface ExecFlags {
  readonly jobs: string;
  readonly variable: readonly string[];
  readonly maskedVariable: readonly string[];
  readonly fileVariable: readonly string[];
  readonly list?: boolean;
  readonly out?: string;
  readonly data: string;
  readonly otlpEndpoint: readonly string[];
  readonly otlpHeader: readonly string[];
  readonly store: boolean;
  readonly cwd: string;
  readonly plain?: boolean;
}

export function addExecCommand({ program, context, exitWith }: AddCommand): void {
  program
    .command("exec")
    .description(
      "Run the pipeline of a git repository on this machine, traced, and show it while it runs.\n" +
        "Uncommitted changes are part of it; the work tree is not touched. The exit code is the pipeline's.",
    )
    .argument("[job...]", "only these jobs, and what they need")
    .option("-j, --jobs <n>", "jobs at once", String(availableParallelism()))
    .option("--variable <KEY=VALUE>", "a variable; KEY alone takes its value from the environment", collect, [])
    .option("--masked-variable <KEY=VALUE>", "likewise, and its value is masked in logs and spans", collect, [])
    .option("--file-variable <KEY=PATH>", "a variable that is a file in the job, with the content of PATH", collect, [])
    .option("--list", "say what would run, and run nothing")
    .option("--out <file>", "write the pipeline's spans as OTLP JSON")
    .option("--data <dir>", "where spans, caches, logs and artifacts are kept", context.defaultDataDir)
    .option("--otlp-endpoint <url>", "send all spans there too: http, https, grpc, grpcs; may be repeated", collect, [])
    .option("--otlp-header <NAME=VALUE>", "a header for those endpoints; may be repeated", collect, [])
    .option("--no-store", "keep no spans in the data directory")
    .option("--cwd <dir>", "the repository, or a folder in it", ".")
    .option("--plain", "print lines instead of a live waterfall, as is done without a terminal")
    .addHelpText(
      "after",
      examples(
        ["jobscope exec", "the whole pipeline of this repository"],
        ["jobscope exec --list", "what would run"],
        ["jobscope exec test lint --jobs 2", "two jobs and what they need"],
        ["jobscope exec --masked-variable DEPLOY_TOKEN", "a secret from the environment"],
        ["jobscope exec --no-store --otlp-endpoint http://localhost:4318", "into your own collector instead"],
      ),
    )
    .action(async (jobs: string[], flags: ExecFlags) => {
      using interrupts = watchInterrupts();
      const isDebug = program.opts<{ debug?: boolean }>().debug === true;
      const options = optionsOf(jobs, flags, context, isDebug);
      try {
        exitWith(await (flags.list === true ? list : execPipeline)(context, options, interrupts));
      } catch (error) {
        if (!interrupts.polite.aborted) throw error;
        context.stderr.write("jobscope: interrupted before anything ran\n");
        exitWith(1);
      }
    });
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
    otlpEndpoints: parseOtlpEndpoints(flags.otlpEndpoint, flags.otlpHeader),
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
