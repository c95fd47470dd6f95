import { ansi } from "../../shell/ansi.ts";
import type { JobLogStream } from "./job-log.ts";

/**
 * Lines about caches and artifacts, in the form of GitLab's helper program: message, padded, then fields by name.
 *
 * Rule: runner-protocol.md §2.5.
 */
export interface HelperLines {
  info(message: string, fields?: HelperFields): void;
  warning(message: string, fields?: HelperFields): void;
  error(message: string, fields?: HelperFields): void;
  /** What the stage ends with. */
  fatal(message: string, fields?: HelperFields): void;
}

export type HelperFields = Readonly<Record<string, string | number>>;

/** Message and level together are padded to this width. */
const messageWidth = 50;

/** @param stream the standard error of the stage. */
export function createHelperLines(stream: JobLogStream): HelperLines {
  const line =
    (color: string, prefix: string) =>
    (message: string, fields: HelperFields = {}) => {
      void stream.write(Buffer.from(helperLine(color, prefix, message, fields)));
    };
  return {
    info: line("", ""),
    warning: line(ansi.yellow, "WARNING: "),
    error: line(ansi.boldRed, "ERROR: "),
    fatal: line(ansi.boldRed, "FATAL: "),
  };
}

function helperLine(color: string, prefix: string, message: string, fields: HelperFields): string {
  const padded = message.padEnd(messageWidth - prefix.length);
  const names = Object.keys(fields).sort();
  const described = names.map((name) => ` ${color}${name}${ansi.reset}=${fields[name]}`).join("");
  return `${color}${prefix}${padded}${ansi.reset} ${described}\n`;
}
