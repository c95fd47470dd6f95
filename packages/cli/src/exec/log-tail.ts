import { plainText } from "../view/fit-text.ts";

/** Header of a physical line (runner-protocol.md §2.4.4): time, stream id and type, new line or continuation. */
const lineHeader = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [0-9a-f]{2}[OE]([ +])/;

/** `section_start:1755820800:build[collapsed=true]` and `section_end:1755820801:build`, up to the CR that ends them. */
const sectionMarker = /section_(?:start|end):\d+:[^\r\n]*\r/g;

/** The runner's own last words; the script's come before them. */
const cleanUp = /^(?:Cleaning up project directory and file based variables|Uploading artifacts for failed job)$/;

/**
 * The last lines of a job log as a reader would have seen them: without headers, section markers and what a carriage
 * return has overwritten.
 *
 * @param log the end of the log, cut anywhere.
 */
export function logTail(log: Uint8Array, maxLines: number): string[] {
  const lines = joinContinuations(new TextDecoder().decode(log).split("\n"));
  const seen = lines.map((line) => plainText(lastWritten(line.replaceAll(sectionMarker, ""))).trimEnd());
  return seen.filter((line) => line !== "" && !cleanUp.test(line)).slice(-maxLines);
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
