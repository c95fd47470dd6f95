import type { PlayFlags } from "../actions/play-job.ts";
import { type AddCommand, collect, examples } from "./add-command.ts";

export function addPlayCommand({ program, context }: AddCommand): void {
  program
    .command("play")
    .summary("start a manual or delayed job of a running coordinator, or list them")
    .description(
      "Start a manual or delayed job of the coordinator that runs here (`jobscope up`, `coordinator`).\n" +
        "Without a job, list those that wait.",
    )
    .argument("[job]", "its id, or its name: then the newest pipeline's")
    .option("--input <NAME=VALUE>", "a value for one of the job's inputs; may be repeated", collect)
    .option("--yes", "confirm what the job's manual_confirmation asks")
    .option("--data <dir>", "the data directory of that coordinator", context.defaultDataDir)
    .addHelpText(
      "after",
      examples(
        ["jobscope play", "which jobs wait"],
        ["jobscope play deploy", "start it"],
        ["jobscope play 17 --input target=production --yes", "with an input, and confirmed"],
      ),
    )
    .action(async (job: string | undefined, flags: PlayFlags) => {
      const { playJob } = await import("../actions/play-job.ts");
      await playJob(job, flags, context);
    });
}
