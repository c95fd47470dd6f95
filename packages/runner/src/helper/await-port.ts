import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const betweenTriesMs = 100;
const oneTryMs = 2_000;

/**
 * Tries to connect to each of the addresses, over and over, until one takes the connection.
 *
 * @param addresses `host:port`
 * @returns whether one did in time.
 *
 * Rule: runner-protocol.md §4.10, readiness.
 */
export async function awaitPort(
  addresses: readonly string[],
  options: { readonly timeoutMs: number; readonly say: (line: string) => void },
): Promise<boolean> {
  const limit = AbortSignal.timeout(options.timeoutMs);
  const answered = new AbortController();
  const signal = AbortSignal.any([limit, answered.signal]);
  const tryAddress = async (address: string): Promise<boolean> => {
    let last = "";
    while (!signal.aborted) {
      const failure = await tryToConnect(address, signal);
      if (failure === undefined) {
        answered.abort();
        return true;
      }
      if (failure !== last && !signal.aborted) options.say(`dialing ${address}: ${failure}`);
      last = failure;
      await delay(betweenTriesMs, undefined, { signal }).catch(() => undefined);
    }
    return false;
  };
  return (await Promise.all(addresses.map(tryAddress))).includes(true);
}

/** @returns why it failed. */
function tryToConnect(address: string, signal: AbortSignal): Promise<string | undefined> {
  const colon = address.lastIndexOf(":");
  return new Promise((resolve) => {
    const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)), signal });
    const end = (failure: string | undefined) => {
      socket.destroy();
      resolve(failure);
    };
    socket.setTimeout(oneTryMs, () => end("no answer"));
    socket.once("connect", () => end(undefined));
    socket.once("error", (error) => end(error.message));
  });
}
