import type { UpFlags } from "../actions/run-up.ts";
import { type AddCommand, examples, isDebug } from "./add-command.ts";

export function addUpCommand({ program, context }: AddCommand): void {
  program
    .command("up")
    .summary("run collector, coordinator and a runner on loopback")
    .description("Run collector, coordinator and a runner on loopback, until told to stop.")
    .option("--listen <host:port>", "the coordinator's address; port 0 takes a free one", "127.0.0.1:4321")
    .option("--otlp-http <host:port>", "the collector's OTLP over HTTP", "127.0.0.1:4318")
    .option("--otlp-grpc <host:port>", "the collector's OTLP over gRPC", "127.0.0.1:4317")
    .option("--api <host:port>", "the collector's query API", "127.0.0.1:4320")
    .option("--data <dir>", "where everything is kept", context.defaultDataDir)
    .option("--watch", "make a pipeline whenever a branch or tag of --repository changes, and take pushes to it")
    .option("--repository <dir>", "the repository to watch", ".")
    .addHelpText(
      "after",
      examples(["jobscope up", "on the usual ports"], ["jobscope up --data ./ci", "with its files here"]),
    )
    .action(async (flags: UpFlags) => {
      const { runUp } = await import("../actions/run-up.ts");
      await runUp(flags, context, { isDebug: isDebug(program) });
    });
}
