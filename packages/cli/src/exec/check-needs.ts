import { type PlannedJobView, type UnmetNeed, unmetNeeds } from "@jobscope/coordinator";
import { CommandError } from "../command-error.ts";

/** Whether jobs of a plan run in containers. */
export function needsContainers(jobs: readonly PlannedJobView[]): boolean {
  return jobs.some(({ image, services }) => image !== undefined || services.length > 0);
}

/**
 * Says, before anything runs, which jobs cannot be run here.
 *
 * @param noContainers why there are none; `undefined` when jobs with images can be run.
 * @throws {CommandError} names every such job and what it asks for.
 */
export function checkNeeds(jobs: readonly PlannedJobView[], noContainers: string | undefined): void {
  const hasContainers = noContainers === undefined;
  const features = { image: hasContainers, services: hasContainers, native_steps_integration: true };
  // Tags choose among runners; here there is one, and whoever runs the pipeline has chosen it.
  const tags = [...new Set(jobs.flatMap((job) => job.tags))];
  const unmet = unmetNeeds(jobs, { features, tags, runUntagged: true });
  if (unmet.length === 0) return;
  const count = new Set(unmet.map(({ jobName }) => jobName)).size;
  const lines = unmet.map((need) => `  - ${need.jobName}: ${describe(need)}`);
  throw new CommandError(
    `${count === 1 ? "one job needs" : `${count} jobs need`} what there is not here; nothing was run\n${lines.join("\n")}` +
      (noContainers === undefined ? "" : `\n${noContainers}`),
    {
      hint:
        "Name the jobs that you want to run: jobscope exec JOB…\n" +
        "Or run all of them in a shell of this machine, without their images: jobscope exec --executor shell",
    },
  );
}

function describe({ keyword, value }: UnmetNeed): string {
  switch (keyword) {
    case "image":
      return `the container image ${value}`;
    case "services":
      return `the services ${value}`;
    case "run":
      return `${value} (run:)`;
    case "tags":
      return `a runner with the tags ${value}`;
  }
}
