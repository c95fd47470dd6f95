import type { PlannedJob } from "../pipeline/plan/planned-job.ts";

/** What a job asks of its runner (runner-protocol.md §1.4; GitLab's Ci::Build::RUNNER_FEATURES). */
const requirements: readonly (readonly [feature: string, isNeededBy: (plan: PlannedJob) => boolean])[] = [
  ["image", ({ image }) => image !== undefined],
  ["services", ({ services }) => services.length > 0],
  ["native_steps_integration", ({ run }) => run !== undefined],
  ["upload_multiple_artifacts", ({ artifacts }) => Object.keys(artifacts?.reports ?? {}).length > 0],
  ["artifacts_exclude", ({ artifacts }) => (artifacts?.exclude.length ?? 0) > 0],
  ["fallback_cache_keys", ({ cache }) => cache.some(({ fallbackKeys }) => fallbackKeys.length > 0)],
  ["return_exit_code", ({ allowFailure, retry }) => typeof allowFailure === "object" || retry.exitCodes.length > 0],
  ["vault_secrets", ({ secrets }) => Object.keys(secrets).length > 0],
  ["job_inputs", ({ inputs }) => Object.keys(inputs).length > 0],
];

/** Names of `info.features` without which a runner cannot run the job as it is meant. */
export function requiredFeatures(plan: PlannedJob): string[] {
  return requirements.filter(([, isNeededBy]) => isNeededBy(plan)).map(([feature]) => feature);
}
