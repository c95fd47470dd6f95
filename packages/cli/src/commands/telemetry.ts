import type { TelemetryCheckFlags } from "../actions/check-telemetry.ts";
import type { TelemetryStatusFlags } from "../actions/show-telemetry-status.ts";
import { type AddCommand, examples } from "./add-command.ts";
import { withConfig } from "./runner-commands.ts";

/** What a runner's telemetry is doing, and whether it can. Rule: telemetry.md §4, §6. */
export function addTelemetryCommand(add: AddCommand): void {
  const group = add.program
    .command("telemetry")
    .summary("check a runner's telemetry endpoints, or show what they are doing")
    .description("Check a runner's telemetry endpoints, or show what they are doing.")
    .addHelpText(
      "after",
      examples(
        ["jobscope telemetry check", "every endpoint of the configuration, step by step"],
        ["jobscope telemetry status", "queues, breakers, spool and last errors"],
      ),
    );
  const inGroup = { ...add, program: group };
  addCheck(inGroup);
  addStatus(inGroup);
}

function addCheck({ program, context, exitWith }: AddCommand): void {
  withConfig(program.command("check"), context)
    .summary("send one test span to each endpoint, and say what is wrong")
    .description(
      "Walk each telemetry endpoint of a config.toml and the environment: settings, DNS, connection, TLS, token, one\n" +
        "test span. Exit code 1 when one of them does not work, 2 when there is nothing to check.",
    )
    .argument("[url...]", "only these; one that is not configured is checked as though a job payload named it")
    .option("--gcp-audience <audience>", "with the Google ID token that the payload would ask for")
    .option("--json", "print what was found as JSON")
    .addHelpText(
      "after",
      examples(
        ["jobscope telemetry check", "all endpoints that are configured"],
        ["jobscope telemetry check -c ./config.toml grpcs://otel:4317", "one of them"],
        ["jobscope telemetry check https://otel.example.com/v1/traces", "one that a payload may name"],
      ),
    )
    .action(async (urls: string[], flags: TelemetryCheckFlags) => {
      const { checkTelemetry } = await import("../actions/check-telemetry.ts");
      exitWith(await checkTelemetry(urls, flags, context));
    });
}

function addStatus({ program, context, exitWith }: AddCommand): void {
  withConfig(program.command("status"), context)
    .summary("show queues, breakers, spool and last errors")
    .description(
      "Show queues, breakers, spool and last errors: asked of the running runner at its listen_address, else read from\n" +
        "its spool directory. Exit code 1 when an endpoint does not take spans, 2 when nothing can be told.",
    )
    .option("--listen-address <host:port>", "where the runner serves its metrics, if not as the file says")
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      examples(
        ["jobscope telemetry status", "of the runner that is configured"],
        ["jobscope telemetry status --listen-address 127.0.0.1:9252", "of one that listens there"],
      ),
    )
    .action(async (flags: TelemetryStatusFlags) => {
      const { showTelemetryStatus } = await import("../actions/show-telemetry-status.ts");
      exitWith(await showTelemetryStatus(flags, context));
    });
}
