/** Every key of `info.features` (runner-protocol.md §1.4), and `job_telemetry` (telemetry.md §1). */
export const featureNames = [
  "variables",
  "image",
  "services",
  "artifacts",
  "cache",
  "fallback_cache_keys",
  "shared",
  "upload_multiple_artifacts",
  "upload_raw_artifacts",
  "session",
  "terminal",
  "refspecs",
  "masking",
  "proxy",
  "raw_variables",
  "artifacts_exclude",
  "multi_build_steps",
  "trace_reset",
  "trace_checksum",
  "trace_size",
  "vault_secrets",
  "cancelable",
  "cancel_gracefully",
  "return_exit_code",
  "service_variables",
  "service_multiple_aliases",
  "image_executor_opts",
  "service_executor_opts",
  "native_steps_integration",
  "two_phase_job_commit",
  "job_inputs",
  "job_telemetry",
] as const;

export type FeatureName = (typeof featureNames)[number];

/** The `info` object in GitLab's spelling; `undefined` keys are left out of the JSON. */
export interface RunnerInfo {
  readonly name: string;
  readonly version: string;
  readonly revision: string;
  /** Go's name: `linux`, `darwin`, `windows`. */
  readonly platform: string;
  /** Go's name: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly executor: string | undefined;
  readonly shell: string | undefined;
  /** Every key is present. */
  readonly features: Readonly<Record<FeatureName, boolean>>;
  readonly config: { readonly gpus: string };
  readonly labels: Readonly<Record<string, string>> | undefined;
}
