/** Header of a physical line (runner-protocol.md §2.4.4): time, stream id and type, new line or continuation. */
const lineHeader = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z ([0-9a-f]{2}[OE])([ +])/;

/**
 * The lines of a job log as they were printed: without the headers that runners put before them, and with what they cut in
 * two put together again. A log without headers is split at its line feeds.
 */
export function jobLogLines(log: string): string[] {
  const lines: string[] = [];
  const lastOfStream = new Map<string, number>();
  for (const physical of log.split("\n")) {
    const [header = "", stream = "", kind] = lineHeader.exec(physical) ?? [];
    const text = physical.slice(header.length);
    const before = kind === "+" ? lastOfStream.get(stream) : undefined;
    if (before === undefined) {
      lines.push(text);
      lastOfStream.set(stream, lines.length - 1);
    } else lines[before] += text;
  }
  return lines;
}
