import type { HelperImageFlags } from "../actions/make-helper-image.ts";
import { type AddCommand, examples, isDebug } from "./add-command.ts";

/** The image that jobs in containers get their sources, caches and artifacts with. */
export function addHelperImageCommand({ program, context }: AddCommand): void {
  program
    .command("helper-image")
    .summary("make the image that jobs in containers need beside their own")
    .description(
      "Make the image in which jobs with containers get their sources, caches and artifacts: git, a shell and our own\n" +
        "program. It is made once for each version of jobscope, and again when something it is made of has changed.",
    )
    .option("--base <image>", "start from this image, which has git or a package manager, not from this machine's git")
    .option("--name <image>", "name it so, for helper_image in config.toml or another registry")
    .addHelpText(
      "after",
      examples(
        ["jobscope helper-image", "of this machine's git and busybox: no registry is asked"],
        ["jobscope helper-image --base node:24-alpine", "on any machine"],
        ["jobscope helper-image --name registry.example.com/ci/helper:1", "to be pushed somewhere"],
      ),
    )
    .action(async (flags: HelperImageFlags) => {
      const { makeHelperImageHere } = await import("../actions/make-helper-image.ts");
      await makeHelperImageHere(flags, context, { isDebug: isDebug(program) });
    });
}
