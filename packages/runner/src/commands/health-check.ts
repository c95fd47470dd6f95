import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { CommandError, type CommandIo, writeLine } from "./command-io.ts";

export interface HealthCheckOptions {
  /** `host:port` pairs. Default: those of the environment's `<NAME>_TCP_ADDR` and `<NAME>_TCP_PORT` variables. */
  readonly addresses?: readonly string[];
  /** Default: five minutes. */
  readonly timeoutMs?: number;
}

/** Waits until every address takes connections. @throws {CommandError} when one does not in time, or none is named. */
export async function checkHealth(options: HealthCheckOptions, io: CommandIo): Promise<void> {
  const addresses = options.addresses ?? addressesOf(io.environment);
  if (addresses.length === 0) throw new CommandError(2, "no address to check: none given, no *_TCP_ADDR variable set");
  const timeoutMs = options.timeoutMs ?? 300_000;
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(timeoutMs)]);
  await Promise.all(addresses.map((address) => waitForAddress(address, signal)));
  writeLine(io.stdout, `${addresses.join(", ")}: up`);
}

async function waitForAddress(address: string, signal: AbortSignal): Promise<void> {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
  if (host === undefined || port === undefined) throw new CommandError(2, `expected host:port, found "${address}"`);
  while (!(await takesConnections(host.replace(/^\[|\]$/g, ""), Number(port)))) {
    await delay(250, undefined, { signal }).catch((cause: unknown) => {
      throw new CommandError(1, `${address} takes no connections`, { cause });
    });
  }
}

function takesConnections(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port, timeout: 5_000 });
  const settle = (isUp: boolean) => {
    socket.destroy();
    resolve(isUp);
  };
  socket.once("connect", () => settle(true));
  socket.once("error", () => settle(false));
  socket.once("timeout", () => settle(false));
  return promise;
}

function addressesOf(environment: CommandIo["environment"]): string[] {
  return Object.entries(environment).flatMap(([name, host]) => {
    const port = name.endsWith("_TCP_ADDR") ? environment[name.replace(/_ADDR$/, "_PORT")] : undefined;
    return host === undefined || port === undefined ? [] : [`${host}:${port}`];
  });
}
