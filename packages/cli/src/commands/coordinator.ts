import { startCoordinator } from "@jobscope/coordinator";
import { createEndpointPool, createLog, createSpanProcessor } from "@jobscope/labkit";
import { openDataDir } from "../data-dir.ts";
import { parseOtlpEndpoints } from "../local-ci/otlp-endpoint.ts";
import { type AddCommand, collect, examples } from "./add-command.ts";
import { checkedAddress } from "./checked-address.ts";
import { aborted, watchInterrupts } from "./interrupts.ts";

interface CoordinatorFlags {
  readonly listen: string;
  readonly data: string;
  readonly otlpEndpoint: readonly string[];
  readonly registrationToken?: string;
}

export function addCoordinatorCommand({ program, context }: AddCommand): void {
  program
    .command("coordinator")
    .description("Hand out jobs over GitLab's runner API: a small GitLab for CI on one machine.")
    .option("--listen <host:port>", "where to listen; port 0 takes a free one", "127.0.0.1:4321")
    .option("--data <dir>", "where state, logs and artifacts are kept", context.defaultDataDir)
    .option("--otlp-endpoint <url>", "where runners and this process send spans; may be repeated", collect, [])
    .option("--registration-token <token>", "let runners register themselves with this token")
    .addHelpText(
      "after",
      examples(
        ["jobscope coordinator", "on loopback, without telemetry"],
        ["jobscope coordinator --otlp-endpoint http://127.0.0.1:4318", "its jobs are traced"],
      ),
    )
    .action(async (flags: CoordinatorFlags) => {
      using interrupts = watchInterrupts();
      const isDebug = program.opts<{ debug?: boolean }>().debug === true;
      const log = createLog({ level: isDebug ? "debug" : "info" });
      const endpoints = parseOtlpEndpoints(flags.otlpEndpoint, []);
      await using pool = createEndpointPool({ log });
      await using coordinator = await startCoordinator({
        listen: checkedAddress("--listen", flags.listen),
        dataDir: (await openDataDir(flags.data)).coordinator,
        log,
        telemetry: { form: endpoints.length === 0 ? "none" : "shipped", endpoints },
        spanProcessors: [createSpanProcessor(endpoints.map(({ url }) => pool.endpoint({ url })))],
        ...(flags.registrationToken === undefined ? {} : { registrationToken: flags.registrationToken }),
      });
      const { token } = coordinator.createRunnerToken({ description: "made at start" });
      context.stdout.write(`coordinator   ${coordinator.url}\nrunner token  ${token}\n`);
      await aborted(interrupts.polite);
    });
}
