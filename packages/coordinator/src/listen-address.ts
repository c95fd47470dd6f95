import { CoordinatorError } from "./coordinator-error.ts";

/** Reads `HOST:PORT` and `[IPv6]:PORT`. @throws {CoordinatorError} `not-allowed` for anything else. */
export function parseListenAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new CoordinatorError(`"${text}" is not HOST:PORT, for example 127.0.0.1:8080`, { code: "not-allowed" });
}
