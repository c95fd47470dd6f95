import type { ReaderFlags } from "../actions/open-trace-reader.ts";
import { type AddCommand, examples } from "./add-command.ts";

export function addTraceCommand({ program, context }: AddCommand): void {
  program
    .command("trace")
    .summary("show a stored trace as a waterfall, or list the latest pipelines")
    .description("Show a stored trace as a waterfall; without an id, list the latest pipelines.")
    .argument("[id]", "a job's id, or a trace id (32 hex digits) for the whole pipeline")
    .option("--api <url>", "ask this collector's query API")
    .option("--api-token-file <file>", "a token for it, if it asks for one; without: JOBSCOPE_API_TOKEN")
    .option("--data <dir>", "where the spans are, and where a running collector is looked for", context.defaultDataDir)
    .addHelpText(
      "after",
      examples(
        ["jobscope trace", "which pipelines are stored"],
        ["jobscope trace 17", "job 17"],
        ["jobscope trace 00000000000000000000000000000003", "all jobs of that pipeline"],
      ),
    )
    .action(async (id: string | undefined, flags: ReaderFlags) => {
      const { showTrace } = await import("../actions/show-trace.ts");
      await showTrace(id, flags, context);
    });
}
