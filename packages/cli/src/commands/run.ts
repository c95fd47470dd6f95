import { createLog } from "@jobscope/labkit";
import { loadConfig, startRunnerManager } from "@jobscope/runner";
import { type AddCommand, examples } from "./add-command.ts";

export function addRunCommand({ program, exitWith }: AddCommand): void {
  program
    .command("run")
    .description("Run the jobs of the coordinators that a config.toml names, until told to stop.")
    .requiredOption("-c, --config <file>", "the runner's configuration")
    .addHelpText(
      "after",
      examples(["jobscope run --config /etc/gitlab-runner/config.toml", "a configuration of gitlab-runner's"]) +
        "\nSIGQUIT waits for running jobs, SIGTERM and SIGINT abort them, a second one ends at once; SIGHUP reads the file again.\n",
    )
    .action(async (flags: { config: string }) => {
      void [flags, createLog, loadConfig, startRunnerManager, exitWith];
    });
}
