import { type Command, Option } from "commander";
import type { CommandContext } from "../context.ts";
import { type AddCommand, collect, examples, isDebug } from "./add-command.ts";

/** The runner's own commands, with `gitlab-runner`'s flags and environment variables (runner-protocol.md §6.8). */
export function addRunnerCommands(add: AddCommand): void {
  addRegister(add);
  addRunSingle(add);
  addList(add);
  addVerify(add);
  addUnregister(add);
  addResetToken(add);
  addHealthCheck(add);
  addLint(add);
}

function addRegister({ program, context, exitWith }: AddCommand): void {
  withRunnerSettings(withConfig(program.command("register"), context))
    .summary("add a runner to a config.toml")
    .description("Add a runner to a config.toml. What is not given is asked for.")
    .addOption(option("-n, --non-interactive", "ask nothing; what is missing is an error", "REGISTER_NON_INTERACTIVE"))
    .addOption(option("-u, --url <url>", "the coordinator's address", "CI_SERVER_URL"))
    .addOption(option("-t, --token <token>", "the runner's authentication token (glrt-…)", "CI_SERVER_TOKEN"))
    .addOption(option("-r, --registration-token <token>", "a registration token, the old way", "REGISTRATION_TOKEN"))
    .addOption(option("--tag-list <tags>", "comma-separated; with a registration token only", "RUNNER_TAG_LIST"))
    .addOption(option("--run-untagged [yes]", "take jobs without tags", "REGISTER_RUN_UNTAGGED"))
    .addOption(option("--locked [yes]", "keep the runner to its project", "REGISTER_LOCKED"))
    .addOption(
      option("--access-level <level>", "which refs", "REGISTER_ACCESS_LEVEL").choices([
        "not_protected",
        "ref_protected",
      ]),
    )
    .addOption(option("--maximum-timeout <seconds>", "longest time a job may take", "REGISTER_MAXIMUM_TIMEOUT"))
    .addOption(option("--paused [yes]", "take no jobs yet", "REGISTER_PAUSED"))
    .addOption(option("--maintenance-note <text>", "a note for administrators", "REGISTER_MAINTENANCE_NOTE"))
    .addOption(
      option("--leave-runner", "keep a runner at its coordinator although this fails", "REGISTER_LEAVE_RUNNER"),
    )
    .addOption(option("--template-config <file>", "a file with one [[runners]] to begin from", "TEMPLATE_CONFIG_FILE"))
    .addHelpText(
      "after",
      examples([
        "jobscope register -n --url https://gitlab.example.com --token glrt-… --executor shell",
        "asks nothing",
      ]) + settingsHelp,
    )
    .action(async (flags, command: Command) => {
      const { register } = await import("../actions/runner-commands.ts");
      exitWith(await register(flags, command.args, context));
    });
}

function addRunSingle({ program, context, exitWith }: AddCommand): void {
  withRunnerSettings(program.command("run-single"))
    .summary("run jobs of one runner, without a config.toml")
    .description("Run jobs of one runner, one at a time; it need not be in a config.toml.")
    .addOption(option("-c, --config <file>", "with --runner: the configuration to begin from", "CONFIG_FILE"))
    .option("-r, --runner <name>", "the runner of that name in the configuration")
    .addOption(option("-u, --url <url>", "the coordinator's address", "CI_SERVER_URL"))
    .addOption(option("-t, --token <token>", "the runner's token", "CI_SERVER_TOKEN"))
    .addOption(option("--max-builds <n>", "end after so many jobs; 0: never", "RUNNER_MAX_BUILDS"))
    .addOption(
      option("--wait-timeout <seconds>", "end when there was no job for so long; 0: never", "RUNNER_WAIT_TIMEOUT"),
    )
    .addOption(logLevelOption())
    .addOption(logFormatOption())
    .addHelpText(
      "after",
      examples([
        "jobscope run-single --url http://127.0.0.1:4321 --token glrt-… --executor shell --max-builds 1",
        "one job",
      ]) + settingsHelp,
    )
    .action(async (flags, command: Command) => {
      const { runOne } = await import("../actions/runner-commands.ts");
      exitWith(await runOne(flags, command.args, context, { isDebug: isDebug(program) }));
    });
}

function addList({ program, context, exitWith }: AddCommand): void {
  withConfig(program.command("list"), context)
    .summary("list the runners of a config.toml")
    .description("List the runners of a config.toml.")
    .option("--show-tokens", "print whole tokens")
    .addHelpText("after", examples(["jobscope list --config config.toml", "name, executor, short token, URL"]))
    .action(async (flags) => {
      const { list } = await import("../actions/runner-commands.ts");
      exitWith(await list(flags, context));
    });
}

function addVerify({ program, context, exitWith }: AddCommand): void {
  withSelector(withConfig(program.command("verify"), context))
    .summary("ask coordinators whether they know the runners of a config.toml")
    .description("Ask coordinators whether they know the runners of a config.toml. Exit code 1 when one does not.")
    .option("--delete", "remove the runners that are not known from the file")
    .addHelpText(
      "after",
      examples(["jobscope verify", "all runners"], ["jobscope verify --name builder --delete", "one"]),
    )
    .action(async (flags) => {
      const { verify } = await import("../actions/runner-commands.ts");
      exitWith(await verify(flags, context));
    });
}

function addUnregister({ program, context, exitWith }: AddCommand): void {
  withSelector(withConfig(program.command("unregister"), context))
    .summary("take runners from their coordinators and from a config.toml")
    .description("Take runners from their coordinators and from a config.toml.")
    .option("--all-runners", "all runners of the file")
    .addHelpText(
      "after",
      examples(["jobscope unregister --name builder", "one"], ["jobscope unregister --all-runners", "all"]),
    )
    .action(async (flags) => {
      const { unregister } = await import("../actions/runner-commands.ts");
      exitWith(await unregister(flags, context));
    });
}

function addResetToken({ program, context, exitWith }: AddCommand): void {
  withConfig(program.command("reset-token"), context)
    .summary("give runners of a config.toml new tokens")
    .description("Give runners of a config.toml new tokens.")
    .option("-n, --name <name>", "the runner of this name")
    .option("-u, --url <url>", "with --id: the runner that is registered there")
    .option("-i, --id <id>", "its id there")
    .addOption(option("--pat <token>", "a personal access token to do it with", "PAT"))
    .option("--all-runners", "all runners of the file")
    .addHelpText("after", examples(["jobscope reset-token --name builder", "a new token for one runner"]))
    .action(async (flags) => {
      const { resetToken } = await import("../actions/runner-commands.ts");
      exitWith(await resetToken(flags, context));
    });
}

function addHealthCheck({ program, context, exitWith }: AddCommand): void {
  program
    .command("health-check")
    .argument("[host:port...]", "default: those of the environment's *_TCP_ADDR and *_TCP_PORT variables")
    .summary("wait until addresses take connections")
    .description(
      "Wait until addresses take connections: services of a job, say. Exit code 1 when one does not in time.",
    )
    .option("--timeout <seconds>", "how long to wait", "300")
    .addHelpText("after", examples(["jobscope health-check 127.0.0.1:5432 --timeout 30", "waits for a database"]))
    .action(async (addresses: string[], flags) => {
      const { healthCheck } = await import("../actions/runner-commands.ts");
      exitWith(await healthCheck(addresses, flags, context));
    });
}

function addLint({ program, context, exitWith }: AddCommand): void {
  withConfig(program.command("lint"), context)
    .summary("check a config.toml")
    .description("Check a config.toml. Exit code 1 when it can be used but holds what has no effect, 2 when it cannot.")
    .addHelpText("after", examples(["jobscope lint --config config.toml", "says what is wrong, and where"]))
    .action(async (flags) => {
      const { lint } = await import("../actions/runner-commands.ts");
      exitWith(await lint(flags, context));
    });
}

/** Which file: `-c`, else `CONFIG_FILE`, else GitLab's place for it (runner-protocol.md §6.1). */
export function withConfig(command: Command, context: CommandContext): Command {
  return command.addOption(
    option("-c, --config <file>", "the runner's configuration", "CONFIG_FILE").default(context.defaultRunnerConfig),
  );
}

/** Which runners of the file. */
export function withSelector(command: Command): Command {
  return command
    .option("-n, --name <name>", "the runner of this name")
    .option("-u, --url <url>", "the runners of this coordinator")
    .option("-t, --token <token>", "the runner with this token");
}

export function logLevelOption(): Option {
  return option("-l, --log-level <level>", "wins over the file's log_level", "LOG_LEVEL").choices([
    ...["debug", "info", "warn", "warning", "error", "fatal", "panic"],
  ]);
}

export function logFormatOption(): Option {
  return option("--log-format <format>", "wins over the file's log_format", "LOG_FORMAT").choices([
    ...["runner", "text", "json"],
  ]);
}

const settingsHelp = `
Every key of [[runners]] and of its tables can be given, as gitlab-runner spells it, or as an environment variable:
  --docker-image alpine (DOCKER_IMAGE)  --docker-volumes /cache --docker-volumes /data  --docker-privileged
  --output-limit 8192 (RUNNER_OUTPUT_LIMIT)  --cache-type s3 (CACHE_TYPE)  --feature-flags FF_TIMESTAMPS:false
`;

/** Keys of a `[[runners]]` table that can be given as flags: the usual ones by name, all others read by the action. */
function withRunnerSettings(command: Command): Command {
  return command
    .allowUnknownOption()
    .allowExcessArguments()
    .addOption(option("--name, --description <text>", "the runner's name", "RUNNER_NAME"))
    .addOption(option("--executor <name>", "where jobs run: shell, docker", "RUNNER_EXECUTOR"))
    .addOption(option("--shell <name>", "bash or sh", "RUNNER_SHELL"))
    .addOption(option("--limit <n>", "jobs at once; 0: no limit of its own", "RUNNER_LIMIT"))
    .addOption(option("--request-concurrency <n>", "job requests at once", "RUNNER_REQUEST_CONCURRENCY"))
    .addOption(option("--builds-dir <dir>", "where jobs are checked out", "RUNNER_BUILDS_DIR"))
    .addOption(option("--cache-dir <dir>", "where caches are kept", "RUNNER_CACHE_DIR"))
    .option("--env <KEY=VALUE>", "a variable for all jobs; may be repeated", collect);
}

function option(flags: string, description: string, variable: string): Option {
  return new Option(flags, description).env(variable);
}
