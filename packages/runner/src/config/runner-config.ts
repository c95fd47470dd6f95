import type { CacheConfig } from "./cache-config.ts";
import type { DockerConfig } from "./docker-config.ts";
import type { QueuingLimits } from "./queuing-limits.ts";

/** How a runner reaches its coordinator over TLS. Paths are absolute. Rule: runner-protocol.md §1.1. */
export interface RunnerTlsConfig {
  /** `tls-ca-file`, else `certs/<host>.crt` beside the configuration file: *added* to the system's authorities. */
  readonly caFile: string | undefined;
  /** `tls-cert-file`, else `certs/<host>.auth.crt`. */
  readonly certFile: string | undefined;
  /** `tls-key-file`, else `certs/<host>.auth.key`. */
  readonly keyFile: string | undefined;
}

/** One `[[runners]]` entry, defaults filled in, frozen. Rule: runner-protocol.md §6.3. */
export interface RunnerConfig {
  /** `name`, shown in the job log. */
  readonly name: string;
  /** `url` with `$VAR` expanded: the coordinator's address as people write it (without `/api/v4`). */
  readonly url: string;
  /** `token` with `$VAR` expanded. A secret. */
  readonly runnerToken: string;
  /** First nine characters without prefix: names directories, metrics and log lines (runner-protocol.md §1.2.3). */
  readonly shortToken: string;
  /** `id` of the runner on the coordinator; 0 when unknown. */
  readonly runnerId: number;
  /** `token_obtained_at`; `undefined` when zero. */
  readonly tokenObtainedAt: Date | undefined;
  /** `token_expires_at`; `undefined`: never. */
  readonly tokenExpiresAt: Date | undefined;
  readonly tls: RunnerTlsConfig;
  /** `executor`: `shell`, `docker`, `custom`. */
  readonly executor: string;
  /** `limit`: jobs of this entry at once. 0 (default): only `concurrent` limits. */
  readonly limit: number;
  /** `request_concurrency`: job requests of this entry at once. Default: 1. */
  readonly requestConcurrency: number;
  /** `strict_check_interval`: no new request right after a job was received. Default: false. */
  readonly strictCheckInterval: boolean;
  /** `output_limit` (KiB in the file), here in bytes. Default: 4 MiB. */
  readonly outputLimitBytes: number;
  /** `builds_dir`; absolute when set. `undefined`: the executor's default. */
  readonly buildsDir: string | undefined;
  /** `cache_dir`; absolute when set. `undefined`: the executor's default. */
  readonly cacheDir: string | undefined;
  /** `clone_url`: replaces the coordinator's address in clone URLs (runner-protocol.md §3.5.1). */
  readonly cloneUrl: string | undefined;
  /** `environment`: variables below the job's own (runner-protocol.md §3.2), in file order. */
  readonly environment: readonly { readonly key: string; readonly value: string }[];
  /** `shell`: the shell dialect. `undefined`: the executor's default (`bash`). */
  readonly shell: "bash" | "sh" | "pwsh" | "powershell" | undefined;
  readonly preGetSourcesScript: string | undefined;
  readonly postGetSourcesScript: string | undefined;
  readonly preBuildScript: string | undefined;
  readonly postBuildScript: string | undefined;
  /** `prepare_timeout`, ms. `undefined`: the job's own timeout. */
  readonly prepareTimeoutMs: number | undefined;
  /** `get_sources_timeout`, ms. `undefined`: the job's own timeout. */
  readonly getSourcesTimeoutMs: number | undefined;
  /** `debug_trace_disabled`: `CI_DEBUG_TRACE` has no effect. Default: false. */
  readonly debugTraceDisabled: boolean;
  readonly safeDirectoryCheckout: boolean | undefined;
  readonly cleanGitConfig: boolean | undefined;
  /** `unhealthy_requests_limit`. Default: 3. */
  readonly unhealthyRequestsLimit: number;
  /** `unhealthy_interval`, ms. Default: one hour. */
  readonly unhealthyIntervalMs: number;
  /** `job_status_final_update_retry_limit`: rounds of the final update. Default: 10. */
  readonly finalUpdateRetryLimit: number;
  /** `[labels]` and `[runners.labels]` merged, the runner's winning. */
  readonly labels: Readonly<Record<string, string>>;
  /** `[runners.custom_build_dir] enabled`: whether `GIT_CLONE_PATH` may be used. Default: true for docker only. */
  readonly customBuildDirEnabled: boolean;
  /** `[runners.artifact] upload_timeout`, ms. Default: one hour. */
  readonly artifactUploadTimeoutMs: number;
  /** `[runners.artifact] response_header_timeout`, ms. Default: ten minutes. */
  readonly artifactResponseHeaderTimeoutMs: number;
  /** `[runners.monitoring]`: only counted in a metric. */
  readonly queuingLimits: QueuingLimits;
  /** `[runners.feature_flags]`: wins over job variables (runner-protocol.md §3.2). Names as written. */
  readonly featureFlags: Readonly<Record<string, boolean>>;
  readonly cache: CacheConfig;
  /** `[runners.docker]`; `undefined` when there is no such table, and with an executor that does not use it. */
  readonly docker: DockerConfig | undefined;
}
