import { Option } from "commander";
import type { RunFlags } from "../actions/run-runner.ts";
import { type AddCommand, examples, isDebug } from "./add-command.ts";
import { logFormatOption, logLevelOption, withConfig } from "./runner-commands.ts";

export function addRunCommand({ program, context, exitWith }: AddCommand): void {
  withConfig(program.command("run"), context)
    .summary("run the jobs of the coordinators that a config.toml names")
    .description("Run the jobs of the coordinators that a config.toml names, until told to stop.")
    .option("--listen-address <host:port>", "serve metrics there; wins over the file's listen_address")
    .option("-d, --working-directory <dir>", "where builds/ and cache/ go unless configured")
    .option("-u, --user <name>", "whose jobs run: only the user of this process; wins over the file's user")
    .addOption(logLevelOption())
    .addOption(logFormatOption())
    .addOption(new Option("-n, --service <name>", "for service files of gitlab-runner; no effect").hideHelp())
    .addOption(new Option("--syslog", "for service files of gitlab-runner; no effect").hideHelp())
    .addHelpText(
      "after",
      `${examples(["jobscope run --config config.toml", "this file"], ["jobscope run", "that of an installed gitlab-runner"])}
Signals:
  SIGQUIT          waits for running jobs
  SIGTERM, SIGINT  abort running jobs, report them, and end; a second one ends at once
  SIGHUP           reads the file again
`,
    )
    .action(async (flags: RunFlags) => {
      const { runRunner } = await import("../actions/run-runner.ts");
      exitWith(await runRunner(flags, context, { isDebug: isDebug(program) }));
    });
}
