import { CommandError } from "./command-error.ts";

/** Checks a `HOST:PORT` (`[::1]:PORT` for IPv6). @throws {CommandError} names the flag and what it was given. */
export function checkedAddress(flag: string, text: string): string {
  const port = /^(?:[^:\s]+|\[[0-9a-fA-F:]+\]):(?<port>\d{1,5})$/.exec(text)?.groups?.["port"];
  if (port !== undefined && Number(port) <= 65_535) return text;
  throw new CommandError(`${flag}: "${text}" is no HOST:PORT, such as 127.0.0.1:4318`);
}
