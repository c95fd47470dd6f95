import { type FSWatcher, watch } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { LeafSpan, StageSpan } from "@jobscope/job-telemetry";
import type { PreparedRun } from "../job-run.ts";
import { verdictOf } from "../verdict-of.ts";

/** Follows the marks that a script writes, and makes a span of each entry. */
export interface CommandWatch extends Disposable {
  /** The script is over: reads the last marks and closes the last span, as failed when the script did. */
  end(failure: unknown): Promise<void>;
}

/**
 * Makes the file for the marks of one script, empty. `undefined` when the telemetry policy wants no command spans, and
 * with `CI_DEBUG_TRACE`, where the shell would show the statements that write them.
 */
export async function commandMarksFileOf(run: PreparedRun): Promise<string | undefined> {
  if (run.options.commandSpans !== true || run.settings.isDebugTrace) return undefined;
  const file = path.join(run.directories.temporary, "command_marks");
  try {
    await mkdir(run.directories.temporary, { recursive: true });
    await writeFile(file, "");
    return file;
  } catch {
    // Telemetry never fails a job: without the file there are no command spans.
    return undefined;
  }
}

/** @param commands texts of the entries, in the order of their marks. */
export function watchCommands(file: string | undefined, commands: readonly string[], span: StageSpan): CommandWatch {
  if (file === undefined) return { end: async () => undefined, [Symbol.dispose]() {} };
  let open: LeafSpan | undefined;
  let seen = 0;
  let reading: Promise<void> = Promise.resolve();

  function take(marks: string): void {
    // A line without its end is read again when it is whole.
    for (const line of marks.split("\n").slice(seen, -1)) {
      seen += 1;
      const [index, status] = line.split(" ").map(Number);
      endCommand(open, status ?? 0);
      const text = commands[index ?? -1];
      open = text === undefined ? undefined : span.startCommand({ text, index: (index ?? 0) + 1 });
    }
  }

  function read(): Promise<void> {
    reading = reading.then(async () => take(await readFile(file ?? "", "utf8").catch(() => "")));
    return reading;
  }

  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(file, { persistent: false }, () => void read());
    watcher.on("error", () => undefined);
  } catch {
    // No more watches to be had: the spans are made at the end, with the times of the end.
  }
  return {
    async end(failure) {
      watcher?.close();
      await read();
      endCommand(open, failure === undefined ? 0 : (verdictOf(failure).exitCode ?? 1));
      open = undefined;
      await rm(file, { force: true });
    },
    [Symbol.dispose]() {
      watcher?.close();
    },
  };
}

function endCommand(command: LeafSpan | undefined, exitCode: number): void {
  if (exitCode === 0) command?.end({ status: "success", exitCode });
  else command?.end({ status: "failed", exitCode });
}
