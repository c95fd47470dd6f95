import { jobLogLines } from "@jobscope/coordinator";
import { plainText } from "../view/fit-text.ts";

/** `section_start:1755820800:build[collapsed=true]` and `section_end:1755820801:build`, up to the CR that ends them. */
const sectionMarker = /section_(?:start|end):\d+:[^\r\n]*\r/g;

/** Heading of the part that a reader looks for (runner-protocol.md §2.4.5): before it the runner speaks, not the script. */
const scriptHeading = /^Executing "step_\w+" stage of the job script$/;

/** Headings of what comes after the script. */
const laterHeading =
  /^(?:Running after_script|Saving cache for failed job|Uploading artifacts for failed job|Cleaning up .*)$/;

/**
 * The last lines of a job log as a reader would have seen them: without headers, section markers and what a carriage
 * return has overwritten; from the script on, when its beginning is among them.
 *
 * @param log the end of the log, cut anywhere.
 */
export function logTail(log: Uint8Array, maxLines: number): string[] {
  const lines = jobLogLines(new TextDecoder().decode(log));
  const seen = lines.map((line) => plainText(lastWritten(line.replaceAll(sectionMarker, ""))).trimEnd());
  const script = seen.slice(seen.findLastIndex((line) => scriptHeading.test(line)) + 1);
  return script.filter((line) => line !== "" && !laterHeading.test(line)).slice(-maxLines);
}

/** What a terminal shows of a line with carriage returns: the last part that has any text. */
function lastWritten(line: string): string {
  return line.split("\r").findLast((part) => plainText(part).trim() !== "") ?? "";
}
