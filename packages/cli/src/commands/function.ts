import type { FunctionRunFlags } from "../actions/run-function.ts";
import { type AddCommand, collect, examples } from "./add-command.ts";

/** CI Functions outside of jobs. Rule: ci-functions.md §9.1. */
export function addFunctionCommand(add: AddCommand): void {
  const group = add.program
    .command("function")
    .summary("run or check a CI Function without a job")
    .description("Run or check a CI Function without a job.")
    .addHelpText(
      "after",
      examples(
        ["jobscope function run ./greet --input who=world", "one in this directory"],
        ["jobscope function check ./greet", "without running it"],
      ),
    );
  const inGroup = { ...add, program: group };
  addRun(inGroup);
  addCheck(inGroup);
}

function addRun({ program, context, exitWith }: AddCommand): void {
  program
    .command("run")
    .summary("run one function here")
    .description(
      "Run one function here, in the working directory. Its outputs are printed after what it prints itself.\n" +
        "Exit code 1 when it failed or was interrupted, 2 when it could not be started.",
    )
    .argument("<function>", "a directory, or any reference that a job may use: git, an image, builtin://…")
    .option("-i, --input <NAME=VALUE>", "an input; values are YAML: n=5 is a number, n='\"5\"' a text", collect)
    .option("--env <KEY=VALUE>", "an environment variable of its commands; may be repeated", collect)
    .option("--variable <KEY=VALUE>", "a job variable, for vars.KEY; may be repeated", collect)
    .option("--json", "print the whole result as JSON, secrets included, and the log on stderr")
    .addHelpText(
      "after",
      examples(
        ["jobscope function run ./greet --input who=world", "a directory"],
        ["jobscope function run gitlab.com/group/fns/-/greet@v1 -i who=world", "from git"],
        ["jobscope function run registry.example.com/fns/greet:1.2 --json", "from a registry"],
      ),
    )
    .action(async (reference: string, flags: FunctionRunFlags) => {
      const { runOneFunction } = await import("../actions/run-function.ts");
      exitWith(await runOneFunction(reference, flags, context));
    });
}

function addCheck({ program, context, exitWith }: AddCommand): void {
  program
    .command("check")
    .summary("check a function and the local ones it calls, without running them")
    .description(
      "Check a function and the local ones it calls, without running them. Exit code 1 when something is wrong.",
    )
    .argument("<directory>", "where func.yml (or step.yml) is, or such a file")
    .addHelpText("after", examples(["jobscope function check ./greet", "every problem, with line and column"]))
    .action(async (path: string) => {
      const { checkOneFunction } = await import("../actions/check-function.ts");
      exitWith(await checkOneFunction(path, context));
    });
}
