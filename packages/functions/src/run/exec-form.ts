import { isAbsolute, resolve } from "node:path/posix";
import type { ExecDefinition } from "../definition/function-file.ts";
import type { EvaluationContext } from "../expression/evaluate.ts";
import { FunctionError } from "../function-error.ts";
import { textField } from "./fields.ts";
import type { JobRun } from "./job-run.ts";
import { type ProcessExit, ProcessStartError } from "./process-host.ts";

/** A command whose templates are evaluated. */
export interface PreparedCommand {
  readonly command: readonly [string, ...string[]];
  /** Absolute. */
  readonly workDir: string;
}

/** Evaluates command and working directory of an exec form (ci-functions.md §5.2). */
export function prepareCommand(job: JobRun, definition: ExecDefinition, context: EvaluationContext): PreparedCommand {
  const [program, ...args] = definition.command;
  const workDir = definition.workDir === undefined ? job.workDir : textField(definition.workDir, context);
  return {
    command: [textField(program, context), ...args.map((item) => textField(item, context))],
    workDir: isAbsolute(workDir) ? workDir : resolve(job.workDir, workDir),
  };
}

/**
 * Runs a command, its output going to the job log, after the line that names the step (§5.5).
 *
 * @returns how it ended; the exit code says whether it failed.
 * @throws {FunctionError} `command_failed` when it cannot be started, `cancelled` when the job's signal ended it.
 */
export async function runCommand(
  job: JobRun,
  stepName: string,
  prepared: PreparedCommand,
  env: Readonly<Record<string, string>>,
): Promise<ProcessExit> {
  await job.log.line(`Running step name=${stepName}`);
  refuseNul(prepared, env);
  try {
    return await job.processes.run({
      ...prepared,
      env,
      output: (chunk) => job.log.write(chunk),
      signal: job.signal,
    });
  } catch (error) {
    if (error instanceof ProcessStartError) {
      throw new FunctionError(error.message, { code: "command_failed", exitCode: -1, cause: error });
    }
    throw error;
  }
}

/** The system cannot pass NUL; its own error would quote the value. */
function refuseNul(prepared: PreparedCommand, env: Readonly<Record<string, string>>): void {
  const name = Object.keys(env).find((key) => key.includes("\0") || env[key]?.includes("\0"));
  if (name !== undefined) {
    throw new FunctionError(`environment ${JSON.stringify(name)} holds a NUL character`, { code: "command_failed" });
  }
  const index = [prepared.workDir, ...prepared.command].findIndex((text) => text.includes("\0"));
  if (index < 0) return;
  const where = index === 0 ? "work_dir" : `command item ${index}`;
  throw new FunctionError(`${where} holds a NUL character`, { code: "command_failed" });
}
