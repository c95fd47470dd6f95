import { type AddCommand, examples } from "./add-command.ts";
import { withConfig, withSelector } from "./runner-commands.ts";

/** Where a runner's caches are kept. */
export function addCacheCommand(add: AddCommand): void {
  const group = add.program
    .command("cache")
    .summary("check the stores of a runner's caches")
    .description("Check the stores of a runner's caches.")
    .addHelpText("after", examples(["jobscope cache check", "every [runners.cache] of the configuration"]));
  addCheck({ ...add, program: group });
}

function addCheck({ program, context, exitWith }: AddCommand): void {
  withSelector(withConfig(program.command("check"), context))
    .summary("write a small object to each store and read it back, and say what is wrong")
    .description(
      "Write a small object to the store of each runner's caches and read it back, as a job would, and say which step\n" +
        "does not work. Exit code 1 when one of them does not, 2 when no runner has a store.",
    )
    .addHelpText(
      "after",
      examples(
        ["jobscope cache check", "all runners"],
        ["jobscope cache check -c ./config.toml --name builder", "one"],
      ),
    )
    .action(async (flags) => {
      const { cacheCheck } = await import("../actions/runner-commands.ts");
      exitWith(await cacheCheck(flags, context));
    });
}
