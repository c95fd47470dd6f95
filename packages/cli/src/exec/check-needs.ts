import { type PlannedJobView, type UnmetNeed, unmetNeeds } from "@jobscope/coordinator";
import { CommandError } from "../command-error.ts";

/** The shell executor runs scripts and CI Functions on this machine, and has no containers. */
const shellFeatures = { image: false, services: false, native_steps_integration: true };

/**
 * Says, before anything runs, which jobs this machine's shell executor cannot run.
 *
 * @throws {CommandError} names every such job and what it asks for.
 */
export function checkNeeds(jobs: readonly PlannedJobView[]): void {
  // Tags choose among runners; here there is one, and whoever runs the pipeline has chosen it.
  const tags = [...new Set(jobs.flatMap((job) => job.tags))];
  const unmet = unmetNeeds(jobs, { features: shellFeatures, tags, runUntagged: true });
  if (unmet.length === 0) return;
  const count = new Set(unmet.map(({ jobName }) => jobName)).size;
  const lines = unmet.map((need) => `  - ${need.jobName}: ${describe(need)}`);
  throw new CommandError(
    `${count === 1 ? "one job needs" : `${count} jobs need`} what this machine's shell executor lacks; nothing was run\n${lines.join("\n")}`,
    { hint: "Name the jobs that you want to run: jobscope exec JOB…" },
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
