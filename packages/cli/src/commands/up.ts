import { availableParallelism } from "node:os";
import { createLog } from "@jobscope/labkit";
import { openDataDir } from "../data-dir.ts";
import { openCollector } from "../local-ci/collector-process.ts";
import { startLocalCi } from "../local-ci/local-ci.ts";
import { type AddCommand, examples } from "./add-command.ts";
import { checkedAddress } from "./checked-address.ts";
import { aborted, watchInterrupts } from "./interrupts.ts";

interface UpFlags {
  readonly listen: string;
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  readonly api: string;
  readonly data: string;
}

export function addUpCommand({ program, context }: AddCommand): void {
  program
    .command("up")
    .description("Run collector, coordinator and a runner on loopback, until told to stop.")
    .option("--listen <host:port>", "the coordinator's address; port 0 takes a free one", "127.0.0.1:4321")
    .option("--otlp-http <host:port>", "the collector's OTLP over HTTP", "127.0.0.1:4318")
    .option("--otlp-grpc <host:port>", "the collector's OTLP over gRPC", "127.0.0.1:4317")
    .option("--api <host:port>", "the collector's query API", "127.0.0.1:4320")
    .option("--data <dir>", "where everything is kept", context.defaultDataDir)
    .addHelpText(
      "after",
      examples(["jobscope up", "on the usual ports"], ["jobscope up --data ./ci", "with its files here"]),
    )
    .action(async (flags: UpFlags) => {
      using interrupts = watchInterrupts();
      const isDebug = program.opts<{ debug?: boolean }>().debug === true;
      const log = createLog({ level: isDebug ? "debug" : "info" });
      const dataDir = await openDataDir(flags.data);
      const addresses = {
        otlpHttp: checkedAddress("--otlp-http", flags.otlpHttp),
        otlpGrpc: checkedAddress("--otlp-grpc", flags.otlpGrpc),
        api: checkedAddress("--api", flags.api),
      };
      const listen = checkedAddress("--listen", flags.listen);
      await using collector = await openCollector(dataDir, { signal: interrupts.polite, addresses });
      await using ci = await startLocalCi({ dataDir, listen, collector, otlpEndpoints: [], spanProcessors: [], log });
      await ci.startRunner({ concurrent: availableParallelism(), path: context.environment["PATH"] });
      context.stdout.write(
        `coordinator  ${ci.coordinator.url}\nOTLP/HTTP    ${collector.otlpHttpUrl}\nquery API    ${collector.apiUrl}\n`,
      );
      await aborted(interrupts.polite);
    });
}
