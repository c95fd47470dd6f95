import type { RunnerConfig } from "../config/runner-config.ts";
import { runnerRevision, runnerVersion } from "../runner-version.ts";
import { type FeatureName, featureNames, type RunnerInfo } from "./wire/runner-info.ts";

/** What the coordinator client itself does, whatever the executor. */
const networkFeatures: readonly FeatureName[] = [
  "trace_reset",
  "trace_checksum",
  "trace_size",
  "cancelable",
  "cancel_gracefully",
  "two_phase_job_commit",
  "job_inputs",
  "job_telemetry",
];

/** What every executor of ours does. Not in it, because there is no session server: `session`, `terminal`. */
const jobFeatures: readonly FeatureName[] = [
  "variables",
  "artifacts",
  "upload_multiple_artifacts",
  "upload_raw_artifacts",
  "artifacts_exclude",
  "cache",
  "fallback_cache_keys",
  "refspecs",
  "masking",
  "raw_variables",
  "multi_build_steps",
  "vault_secrets",
  "return_exit_code",
];

/** What one executor adds. */
const executorFeatures: ReadonlyMap<string, readonly FeatureName[]> = new Map([
  ["shell", ["shared", "native_steps_integration"]],
  [
    "docker",
    [
      "image",
      "services",
      "image_executor_opts",
      "service_executor_opts",
      "service_multiple_aliases",
      "service_variables",
      "native_steps_integration",
    ],
  ],
]);

const goPlatforms: ReadonlyMap<string, string> = new Map([["win32", "windows"]]);
const goArchitectures: ReadonlyMap<string, string> = new Map([
  ["x64", "amd64"],
  ["ia32", "386"],
]);

/**
 * The `info` object of a runner. Without a runner (registration), only what the client itself does is announced.
 *
 * Rule: runner-protocol.md §1.4 and §9.2: all features that are implemented, no others.
 */
export function describeRunner(runner?: Pick<RunnerConfig, "executor" | "shell" | "labels">): RunnerInfo {
  const active = new Set<FeatureName>(networkFeatures);
  if (runner !== undefined) {
    for (const name of [...jobFeatures, ...(executorFeatures.get(runner.executor) ?? [])]) active.add(name);
  }
  const labels = runner === undefined || Object.keys(runner.labels).length === 0 ? undefined : runner.labels;
  return {
    name: "jobscope",
    version: runnerVersion,
    revision: runnerRevision,
    platform: goPlatforms.get(process.platform) ?? process.platform,
    architecture: goArchitectures.get(process.arch) ?? process.arch,
    executor: runner?.executor,
    shell: runner === undefined ? undefined : (runner.shell ?? "bash"),
    features: Object.fromEntries(featureNames.map((name) => [name, active.has(name)])) as RunnerInfo["features"],
    config: { gpus: "" },
    labels,
  };
}

/** `<name> <version> (<branch>; <runtime>; <os>/<arch>)`. Rule: runner-protocol.md §1.1. */
export function userAgent(): string {
  const { platform, architecture } = describeRunner();
  return `jobscope ${runnerVersion} (main; node${process.versions.node}; ${platform}/${architecture})`;
}
