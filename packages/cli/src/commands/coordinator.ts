import type { CoordinatorFlags } from "../actions/run-coordinator.ts";
import { type AddCommand, collect, examples, isDebug } from "./add-command.ts";

export function addCoordinatorCommand({ program, context }: AddCommand): void {
  program
    .command("coordinator")
    .summary("hand out jobs over GitLab's runner API")
    .description("Hand out jobs over GitLab's runner API: a small GitLab for CI on one machine.")
    .option("--listen <host:port>", "where to listen; port 0 takes a free one", "127.0.0.1:4321")
    .option("--data <dir>", "where state, logs and artifacts are kept", context.defaultDataDir)
    .option("--otlp-endpoint <url>", "where runners and this process send spans; may be repeated", collect)
    .option("--sample <share>", "the share of pipelines that is traced, 0 to 1, by a hash of their ids", "1")
    .option("--trace-project <path>", "trace pipelines of this project only; may be repeated", collect)
    .option("--registration-token <token>", "let runners register themselves with this token")
    .option("--watch", "make a pipeline whenever a branch or tag of --repository changes, and take pushes to it")
    .option("--repository <dir>", "the repository to watch", ".")
    .addHelpText(
      "after",
      examples(
        ["jobscope coordinator", "on loopback, without telemetry"],
        ["jobscope coordinator --otlp-endpoint http://127.0.0.1:4318", "its jobs are traced"],
      ),
    )
    .action(async (flags: CoordinatorFlags) => {
      const { runCoordinator } = await import("../actions/run-coordinator.ts");
      await runCoordinator(flags, context, { isDebug: isDebug(program) });
    });
}
