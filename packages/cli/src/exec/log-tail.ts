import { plainText } from "../view/fit-text.ts";

/** Header of a physical line (runner-protocol.md §2.4.4): time, stream id and type, new line or continuation. */
const lineHeader = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [0-9a-f]{2}[OE]([ +])/;

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
  const lines = joinContinuations(new TextDecoder().decode(log).split("\n"));
  const seen = lines.map((line) => plainText(lastWritten(line.replaceAll(sectionMarker, ""))).trimEnd());
  const script = seen.slice(seen.findLastIndex((line) => scriptHeading.test(line)) + 1);
  return script.filter((line) => line !== "" && !laterHeading.test(line)).slice(-maxLines);
}

function joinContinuations(physicalLines: readonly string[]): string[] {
  const lines: string[] = [];
  for (const physical of physicalLines) {
    const header = lineHeader.exec(physical);
    const text = header === null ? physical : physical.slice(header[0].length);
    if (header?.[1] === "+" && lines.length > 0) lines[lines.length - 1] += text;
    else lines.push(text);
  }
  return lines;
}

/** What a terminal shows of a line with carriage returns: the last part that has any text. */
function lastWritten(line: string): string {
  return line.split("\r").findLast((part) => plainText(part).trim() !== "") ?? "";
}
