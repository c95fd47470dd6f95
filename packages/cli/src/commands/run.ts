import { type AddCommand, examples, isDebug } from "./add-command.ts";

export function addRunCommand({ program, context, exitWith }: AddCommand): void {
  program
    .command("run")
    .summary("run the jobs of the coordinators that a config.toml names")
    .description("Run the jobs of the coordinators that a config.toml names, until told to stop.")
    .requiredOption("-c, --config <file>", "the runner's configuration")
    .addHelpText(
      "after",
      `${examples(["jobscope run --config /etc/gitlab-runner/config.toml", "the file of an installed gitlab-runner"])}
Signals:
  SIGQUIT          waits for running jobs
  SIGTERM, SIGINT  abort running jobs, report them, and end; a second one ends at once
  SIGHUP           reads the file again
`,
    )
    .action(async (flags: { config: string }) => {
      const { runRunner } = await import("../actions/run-runner.ts");
      exitWith(await runRunner(flags, context, { isDebug: isDebug(program) }));
    });
}
