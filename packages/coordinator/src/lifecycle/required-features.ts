import type { PlannedJob } from "../pipeline/plan/planned-job.ts";

type Requirement = readonly [feature: string, isNeededBy: (plan: PlannedJob) => boolean];

/** What only an executor with containers has. */
const containerRequirements: readonly Requirement[] = [
  ["image", ({ image }) => image !== undefined],
  ["services", ({ services }) => services.length > 0],
];

/** What a job asks of its runner (runner-protocol.md §1.4; GitLab's Ci::Build::RUNNER_FEATURES). */
const requirements: readonly Requirement[] = [
  ["native_steps_integration", ({ run }) => run !== undefined],
  ["upload_multiple_artifacts", ({ artifacts }) => Object.keys(artifacts?.reports ?? {}).length > 0],
  ["artifacts_exclude", ({ artifacts }) => (artifacts?.exclude.length ?? 0) > 0],
  ["fallback_cache_keys", ({ cache }) => cache.some(({ fallbackKeys }) => fallbackKeys.length > 0)],
  ["return_exit_code", ({ allowFailure, retry }) => typeof allowFailure === "object" || retry.exitCodes.length > 0],
  ["vault_secrets", ({ secrets }) => Object.keys(secrets).length > 0],
  ["job_inputs", ({ inputs }) => Object.keys(inputs).length > 0],
];

export function needsContainers(plan: PlannedJob): boolean {
  return containerRequirements.some(([, isNeededBy]) => isNeededBy(plan));
}

/** Every poll asks this of the jobs that wait. */
const known = new WeakMap<
  PlannedJob,
  { readonly withContainers: readonly string[]; readonly without: readonly string[] }
>();

/** Names of `info.features` without which a runner cannot run the job as it is meant, or but for its containers. */
export function requiredFeatures(
  plan: PlannedJob,
  options: { readonly ignoresContainers: boolean },
): readonly string[] {
  const without = () => namesOf(requirements, plan);
  const features = known.get(plan) ?? {
    withContainers: [...namesOf(containerRequirements, plan), ...without()],
    without: without(),
  };
  known.set(plan, features);
  return options.ignoresContainers ? features.without : features.withContainers;
}

function namesOf(asked: readonly Requirement[], plan: PlannedJob): string[] {
  return asked.filter(([, isNeededBy]) => isNeededBy(plan)).map(([feature]) => feature);
}
