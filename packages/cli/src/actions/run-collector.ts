import { once } from "node:events";
import { type Collector, type CollectorOptions, startCollector } from "@jobscope/collector";
import { createLog } from "@jobscope/labkit";
import { checkedAddress } from "../checked-address.ts";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import { openDataDir } from "../data-dir.ts";
import { aborted, watchInterrupts } from "../interrupts.ts";
import { type CollectorAuthFlags, collectorAuthOf, inFlags } from "./collector-auth.ts";

/** The command line of `jobscope collector`. */
export interface CollectorFlags extends CollectorAuthFlags {
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  readonly api: string;
  readonly data: string;
  readonly clickhouse?: string;
  readonly retentionDays: string;
}

/** `jobscope collector`: runs until a signal, or until the process that started it as its child is gone. */
export async function runCollector(
  flags: CollectorFlags,
  context: CommandContext,
  { isDebug }: { isDebug: boolean },
): Promise<void> {
  using interrupts = watchInterrupts();
  const log = createLog({ level: isDebug ? "debug" : "info" });
  await using collector = await startCollector({ ...(await optionsOf(flags)), log }).catch((error: unknown) => {
    throw inFlags(error);
  });
  tellReady(collector);
  if (process.send === undefined) context.stdout.write(readyText(collector));
  await Promise.race([aborted(interrupts.polite), parentGone()]);
}

async function optionsOf(flags: CollectorFlags): Promise<Omit<CollectorOptions, "log">> {
  const retentionDays = Number(flags.retentionDays);
  if (!Number.isInteger(retentionDays) || retentionDays < 0) {
    throw new CommandError(`--retention-days: "${flags.retentionDays}" is no whole number of days`);
  }
  const dataDir = (await openDataDir(flags.data)).store;
  return {
    otlpHttp: addressOf("--otlp-http", flags.otlpHttp),
    otlpGrpc: addressOf("--otlp-grpc", flags.otlpGrpc),
    api: addressOf("--api", flags.api),
    retentionDays,
    auth: collectorAuthOf(flags),
    store:
      flags.clickhouse === undefined
        ? { kind: "embedded", dataDir }
        : { kind: "server", url: flags.clickhouse, dataDir },
  };
}

function addressOf(flag: string, text: string): string | false {
  return text === "none" ? false : checkedAddress(flag, text);
}

function readyText({ otlpHttpUrl, otlpGrpcUrl, apiUrl }: Collector): string {
  const lines = [
    ["OTLP/HTTP", otlpHttpUrl],
    ["OTLP/gRPC", otlpGrpcUrl],
    ["query API", apiUrl],
  ];
  return lines.map(([name, url]) => (url === undefined ? "" : `${name}  ${url}\n`)).join("");
}

/** Tells the process that started this one as its child (`exec`, `up`) where to send. */
function tellReady({ otlpHttpUrl, apiUrl }: Collector): void {
  process.send?.({ kind: "collector ready", otlpHttpUrl, apiUrl });
}

/** The channel to a parent closes when the parent ends, even by `SIGKILL`; without one this waits for ever. */
async function parentGone(): Promise<void> {
  if (process.send === undefined) return await new Promise(() => undefined);
  await once(process, "disconnect");
}
