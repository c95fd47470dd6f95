import path from "node:path";
import type { LeafSpan, StageSpan } from "@jobscope/job-telemetry";
import type { PreparedRun } from "../job-run.ts";
import { openWorkspace } from "../open-workspace.ts";
import { verdictOf } from "../verdict-of.ts";

/** Follows the marks that a script writes, and makes a span of each entry. */
export interface CommandWatch {
  /** The script is over: takes the last marks and closes the last span, as failed when the script did. */
  end(failure: unknown): Promise<void>;
}

/** How long the last marks may take to be had. */
const lastMarksMs = 2_000;

/**
 * The file for the marks of one script. `undefined` when the telemetry policy wants no command spans, and with
 * `CI_DEBUG_TRACE`, where the shell would show the statements that write them.
 */
export async function commandMarksFileOf(run: PreparedRun): Promise<string | undefined> {
  if (run.options.commandSpans !== true || run.settings.isDebugTrace) return undefined;
  const file = path.posix.join(run.directories.temporary, "command_marks");
  // What a script that was killed has left.
  await takeMarks(run, file);
  return file;
}

/**
 * Telemetry never fails a job: marks that cannot be followed are read at the end, and those that cannot be read are none.
 *
 * @param commands texts of the entries, in the order of their marks.
 */
export function watchCommands(
  run: PreparedRun,
  file: string | undefined,
  commands: readonly string[],
  span: StageSpan,
): CommandWatch {
  if (file === undefined) return { end: async () => undefined };
  const isOver = new AbortController();
  // A workspace of its own: it follows while others do the stage's work.
  const workspace = openWorkspace(run, run.session);
  let open: LeafSpan | undefined;
  let seen = 0;

  function take(mark: string): void {
    seen += 1;
    const [index = -1, status = 0] = mark.split(" ").map(Number);
    endCommand(open, status);
    const text = commands[index];
    open = text === undefined ? undefined : span.startCommand({ text, index: index + 1 });
  }

  const report = { info: take, warning: ignore, error: ignore };
  const followed = workspace
    .perform("follow-lines", { file }, { report, signal: isOver.signal })
    .then(ignore, ignore)
    .finally(() => workspace[Symbol.asyncDispose]());
  return {
    async end(failure) {
      isOver.abort();
      await followed;
      const marks = await takeMarks(run, file);
      // A line without its end was not written whole.
      for (const mark of marks.split("\n").slice(seen, -1)) take(mark);
      endCommand(open, failure === undefined ? 0 : (verdictOf(failure).exitCode ?? 1));
      open = undefined;
    },
  };
}

async function takeMarks(run: PreparedRun, file: string): Promise<string> {
  const options = { report: run.lines, signal: AbortSignal.timeout(lastMarksMs) };
  const taken = await run.workspace.perform("take-text", { file }, options).catch(() => undefined);
  return taken?.text ?? "";
}

function endCommand(command: LeafSpan | undefined, exitCode: number): void {
  if (exitCode === 0) command?.end({ status: "success", exitCode });
  else command?.end({ status: "failed", exitCode });
}

function ignore(): void {}
