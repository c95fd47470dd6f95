import { once } from "node:events";
import { type Collector, type CollectorOptions, startCollector } from "@jobscope/collector";
import { createLog } from "@jobscope/labkit";
import { CommandError } from "../command-error.ts";
import { openDataDir } from "../data-dir.ts";
import { type AddCommand, examples } from "./add-command.ts";
import { checkedAddress } from "./checked-address.ts";
import { aborted, watchInterrupts } from "./interrupts.ts";

interface CollectorFlags {
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  readonly api: string;
  readonly data: string;
  readonly clickhouse?: string;
  readonly retentionDays: string;
}

export function addCollectorCommand({ program, context }: AddCommand): void {
  program
    .command("collector")
    .description("Receive spans over OTLP, store them in ClickHouse, answer queries.")
    .option("--otlp-http <host:port>", "OTLP over HTTP; port 0 takes a free one, `none` for none", "127.0.0.1:4318")
    .option("--otlp-grpc <host:port>", "OTLP over gRPC; likewise", "127.0.0.1:4317")
    .option("--api <host:port>", "query API; likewise", "127.0.0.1:4320")
    .option("--data <dir>", "where the embedded ClickHouse keeps its files", context.defaultDataDir)
    .option("--clickhouse <url>", "store in this server instead: http://user:password@host:8123/database")
    .option("--retention-days <days>", "drop spans after so many days; 0 keeps them", "30")
    .addHelpText(
      "after",
      examples(
        ["jobscope collector", "on the usual ports of loopback"],
        ["jobscope collector --otlp-grpc none --data ./spans", "HTTP only, its files here"],
        ["jobscope collector --clickhouse http://default@db:8123/ci", "into a ClickHouse server"],
      ),
    )
    .action(async (flags: CollectorFlags) => {
      using interrupts = watchInterrupts();
      const isDebug = program.opts<{ debug?: boolean }>().debug === true;
      const log = createLog({ level: isDebug ? "debug" : "info" });
      await using collector = await startCollector({ ...(await optionsOf(flags)), log });
      tellReady(collector);
      if (process.send === undefined) context.stdout.write(readyText(collector));
      await Promise.race([aborted(interrupts.polite), parentGone()]);
    });
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
