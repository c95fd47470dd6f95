import { StringDecoder } from "node:string_decoder";

/** What is longer is cut: no message is, and a program that is not ours may never end its line. */
const maxLineLength = 1024 * 1024;

/** @returns what takes the bytes of a stream, piece by piece; `onLine` is called for each line that is complete. */
export function createLineReader(onLine: (line: string) => void): (chunk: Uint8Array) => void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return (chunk) => {
    const lines = `${rest}${decoder.write(Buffer.from(chunk))}`.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > maxLineLength) {
      lines.push(rest);
      rest = "";
    }
    for (const line of lines) onLine(line);
  };
}
