import type { PlannedJobView } from "./plan-view.ts";

/** `info.features` of a runner (runner-protocol.md §1.4): capability name to whether it has it. */
export type RunnerFeatures = Readonly<Record<string, boolean>>;

/** Something a job needs and a runner lacks. */
export interface UnmetNeed {
  readonly jobName: string;
  readonly keyword: "image" | "services" | "run" | "tags";
  /** What the job asked for: the image's name, the tags that are missing. */
  readonly value: string;
}

/**
 * Tells, before anything runs, which jobs a runner could never take.
 *
 * @param jobs of a plan.
 * @param runner what the runner announces, and its tags. Without `features.image` it takes no job with an `image:`.
 */
export function unmetNeeds(
  jobs: readonly PlannedJobView[],
  runner: { features: RunnerFeatures; tags: readonly string[]; runUntagged: boolean },
): UnmetNeed[] {
  return jobs.flatMap((job) => unmetNeedsOf(job, runner));
}

function unmetNeedsOf(
  job: PlannedJobView,
  runner: { features: RunnerFeatures; tags: readonly string[]; runUntagged: boolean },
): UnmetNeed[] {
  const unmet: UnmetNeed[] = [];
  const lacks = (keyword: UnmetNeed["keyword"], value: string) => unmet.push({ jobName: job.name, keyword, value });
  if (job.image !== undefined && runner.features["image"] !== true) lacks("image", job.image);
  if (job.services.length > 0 && runner.features["services"] !== true) lacks("services", job.services.join(", "));
  if (job.usesFunctions && runner.features["native_steps_integration"] !== true) lacks("run", "CI Functions");
  const missingTags = job.tags.filter((tag) => !runner.tags.includes(tag));
  if (missingTags.length > 0) lacks("tags", missingTags.join(", "));
  if (job.tags.length === 0 && !runner.runUntagged) lacks("tags", "(a runner that takes jobs without tags)");
  return unmet;
}
