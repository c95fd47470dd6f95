import { ConfigError } from "./config-error.ts";

/** A `HOST:PORT` to listen on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `HOST:PORT`; IPv6 hosts are in brackets, port 0 takes a free one.
 *
 * @param key the option that `text` is of, for the error.
 * @throws {ConfigError}
 */
export function parseListenAddress(key: string, text: string): ListenAddress {
  const groups = /^(?:\[(?<ipv6>[0-9a-fA-F:.]+)\]|(?<host>[^:[\]/\s]+)):(?<port>\d{1,5})$/.exec(text)?.groups;
  const port = Number(groups?.["port"]);
  if (groups === undefined || port > 65_535) {
    throw new ConfigError([{ key, problem: `"${text}" is no address; expected HOST:PORT, such as 127.0.0.1:4318` }]);
  }
  return { host: groups["ipv6"] ?? groups["host"] ?? "", port };
}

/** The error for an address that could not be listened on. */
export function listenError(key: string, { host, port }: ListenAddress, cause: unknown): ConfigError {
  const words = cause instanceof Error ? cause.message : String(cause);
  // grpc-js has the code in its message only.
  const code = (cause as NodeJS.ErrnoException).code ?? /\bE[A-Z]{3,}\b/.exec(words)?.[0] ?? "";
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "another process listens there",
    EACCES: "this user may not listen there",
    EADDRNOTAVAIL: "this machine has no such address",
    ENOTFOUND: "there is no such host",
  };
  const reason = reasons[code] ?? words;
  return new ConfigError([{ key, problem: `cannot listen on ${authorityOf(host, port)}: ${reason}` }], { cause });
}

/** `host:port` as URLs spell it. */
export function authorityOf(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
