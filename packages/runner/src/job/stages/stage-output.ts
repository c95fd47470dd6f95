import { ansi } from "../../shell/ansi.ts";
import type { JobRun } from "../job-run.ts";
import { createHelperLines, type HelperLines } from "../log/helper-lines.ts";

/** What a stage prints that needs no shell: notices as a script would, and the lines of GitLab's helper program. */
export interface StageOutput extends Disposable {
  /** A green line. */
  notice(text: string): void;
  /** A yellow line. */
  warning(text: string): void;
  readonly helper: HelperLines;
}

export function openStageOutput({ log }: JobRun): StageOutput {
  const stdout = log.openStream("stdout");
  const stderr = log.openStream("stderr");
  const line = (color: string) => (text: string) => {
    void stdout.write(Buffer.from(`${color}${text}${ansi.reset}\n`));
  };
  return {
    notice: line(ansi.boldGreen),
    warning: line(ansi.yellow),
    helper: createHelperLines(stderr),
    [Symbol.dispose]() {
      stdout.end();
      stderr.end();
    },
  };
}
