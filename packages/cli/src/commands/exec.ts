import { availableParallelism } from "node:os";
import { Option } from "commander";
import type { ExecFlags } from "../actions/run-exec.ts";
import { type AddCommand, collect, examples, isDebug } from "./add-command.ts";

export function addExecCommand({ program, context, exitWith }: AddCommand): void {
  program
    .command("exec")
    .summary("run the pipeline of a git repository here, traced, and show it while it runs")
    .description(
      "Run the pipeline of a git repository on this machine, traced, and show it while it runs.\n" +
        "Uncommitted changes are part of it; the work tree is not touched. The exit code is the pipeline's.",
    )
    .argument("[job...]", "only these jobs, and what they need")
    .option("-j, --jobs <n>", "jobs at once", String(availableParallelism()))
    .option("--variable <KEY=VALUE>", "a variable; KEY alone takes its value from the environment", collect)
    .option("--masked-variable <KEY=VALUE>", "likewise, and its value is masked in logs and spans", collect)
    .option("--file-variable <KEY=PATH>", "a variable that is a file in the job, with the content of PATH", collect)
    .option("--list", "say what would run, and run nothing")
    .option("--out <file>", "write the pipeline's spans as OTLP JSON")
    .option("--data <dir>", "where spans, caches, logs and artifacts are kept", context.defaultDataDir)
    .option("--otlp-endpoint <url>", "send all spans there too: http, https, grpc, grpcs; may be repeated", collect)
    .option("--otlp-header <NAME=VALUE>", "a header for those endpoints; may be repeated", collect)
    .option("--no-store", "keep no spans in the data directory")
    .option("--cwd <dir>", "the repository, or a folder in it", ".")
    .addOption(
      new Option(
        "--executor <where>",
        "where jobs with an image run; auto: in containers, shell: here, without their image",
      )
        .choices(["auto", "shell"])
        .default("auto"),
    )
    .addOption(
      new Option("--runner <whose>", "who runs the jobs; external: runners that you register")
        .choices(["own", "external"])
        .default("own"),
    )
    .option(
      "--listen <host:port>",
      "the coordinator's address, for those runners; port 0 takes a free one",
      "127.0.0.1:0",
    )
    .option("--plain", "print lines instead of a live waterfall, as is done without a terminal")
    .addHelpText(
      "after",
      examples(
        ["jobscope exec", "the whole pipeline of this repository"],
        ["jobscope exec --list", "what would run"],
        ["jobscope exec test lint --jobs 2", "two jobs and what they need"],
        ["jobscope exec --executor shell", "without Docker: every job in a shell of this machine"],
        ["jobscope exec --masked-variable DEPLOY_TOKEN", "a secret from the environment"],
        ["jobscope exec --no-store --otlp-endpoint http://localhost:4318", "into your own collector instead"],
        ["jobscope exec --runner external --listen 127.0.0.1:4321", "on runners that you register"],
      ),
    )
    .action(async (jobs: string[], flags: ExecFlags) => {
      const { runExec } = await import("../actions/run-exec.ts");
      exitWith(await runExec(jobs, flags, context, { isDebug: isDebug(program) }));
    });
}
