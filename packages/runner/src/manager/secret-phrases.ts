import { cacheSecrets } from "../config/cache-config.ts";
import type { RunnerConfig } from "../config/runner-config.ts";
import type { Job } from "../coordinator-client/job.ts";
import { createVariableSet, plainVariable } from "../shell/variable-set.ts";

/**
 * Everything that no span and no runner log line of this job may show: tokens, and masked variables as sent and expanded.
 *
 * Rule: telemetry.md §5.
 */
export function secretPhrases(job: Job, runner: RunnerConfig): readonly string[] {
  const masked = job.variables.filter(({ isMasked }) => isMasked).map(({ value }) => value);
  return [
    job.jobToken,
    runner.runnerToken,
    ...cacheSecrets(runner.cache),
    ...masked,
    ...expandedSecrets(job, runner),
    ...job.dependencies.map(({ jobToken }) => jobToken),
    ...job.registryCredentials.map(({ password }) => password),
  ].filter((phrase) => phrase !== "");
}

function expandedSecrets(job: Job, runner: RunnerConfig): string[] {
  if (!job.variables.some(({ isMasked, isRaw, value }) => isMasked && !isRaw && value.includes("$"))) return [];
  const environment = runner.environment.map(({ key, value }) => plainVariable(key, value));
  const { entries } = createVariableSet([...environment, ...job.variables], "");
  return entries.filter(({ isMasked }) => isMasked).map(({ value }) => value);
}
