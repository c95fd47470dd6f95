import { Command, CommanderError } from "commander";
import { addCacheCommand } from "./commands/cache.ts";
import { addCollectorCommand } from "./commands/collector.ts";
import { addCoordinatorCommand } from "./commands/coordinator.ts";
import { addExecCommand } from "./commands/exec.ts";
import { addFunctionCommand } from "./commands/function.ts";
import { addHelperImageCommand } from "./commands/helper-image.ts";
import { addPlayCommand } from "./commands/play.ts";
import { addRunCommand } from "./commands/run.ts";
import { addRunnerCommands } from "./commands/runner-commands.ts";
import { addSqlCommand } from "./commands/sql.ts";
import { addTelemetryCommand } from "./commands/telemetry.ts";
import { addTraceCommand } from "./commands/trace.ts";
import { addUpCommand } from "./commands/up.ts";
import { type CommandContext, openContext } from "./context.ts";
import { describeFailure } from "./describe-failure.ts";
import type { ExitCode } from "./exit-code.ts";
import { cliVersion } from "./version.ts";

/**
 * Runs one `jobscope` command line to its end.
 *
 * @param argv the arguments after `jobscope`.
 * @returns the exit code; errors were already told on stderr. It never throws.
 */
export async function runCommandLine(argv: readonly string[]): Promise<ExitCode> {
  const context = openContext();
  const result: { exitCode: ExitCode } = { exitCode: 0 };
  const program = createProgram(context, (exitCode) => {
    result.exitCode = exitCode;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return result.exitCode;
  } catch (error) {
    // Commander has told the user already, and calls `--help` and `--version` errors too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const isDebug = program.opts<{ debug?: boolean }>().debug === true;
    context.stderr.write(describeFailure(error, { isDebug, palette: context.errorPalette }));
    return exitCodeOf(error);
  }
}

/** Most errors mean that the command line, the configuration or the machine is at fault; some say otherwise. */
function exitCodeOf(error: unknown): ExitCode {
  return error instanceof Error && "exitCode" in error && error.exitCode === 1 ? 1 : 2;
}

function createProgram(context: CommandContext, exitWith: (exitCode: ExitCode) => void): Command {
  const program = new Command("jobscope")
    .description("Every CI job explains itself, while it runs.")
    .version(cliVersion, "-V, --version", "print the version")
    .option("--debug", "show stack traces of errors, and debug lines in the runner log")
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError("(--help shows what is possible)")
    .configureHelp({ showGlobalOptions: true, helpWidth: context.helpWidth })
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "jobscope: ")),
    });
  const add = { program, context, exitWith };
  addExecCommand(add);
  addTraceCommand(add);
  addSqlCommand(add);
  addFunctionCommand(add);
  addUpCommand(add);
  addPlayCommand(add);
  addCollectorCommand(add);
  addCoordinatorCommand(add);
  addRunCommand(add);
  addRunnerCommands(add);
  addTelemetryCommand(add);
  addCacheCommand(add);
  addHelperImageCommand(add);
  return program;
}
