import { existsSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import type { ConfigProblem } from "./config-error.ts";
import { createQueuingLimits } from "./queuing-limits.ts";
import type { RunnerConfig, RunnerTlsConfig } from "./runner-config.ts";
import type { RunnerTable } from "./schema/runner-table.ts";
import { shortenToken } from "./short-token.ts";
import { toCacheConfig } from "./to-cache-config.ts";
import { toDockerConfig } from "./to-docker-config.ts";

/** Where a configuration comes from, for what it leaves out. */
export interface ConfigPlace {
  /** Directory of the file: holds `certs/`. `undefined` for a configuration made in code. */
  readonly directory: string | undefined;
  /** What relative paths are relative to. */
  readonly workingDirectory: string;
}

/** Limits and intervals that the file may leave at 0 for "the default" (runner-protocol.md §6.3). */
const defaults = { outputLimitKiB: 4096, unhealthyRequests: 3, unhealthyIntervalMs: 3_600_000, finalUpdates: 10 };

export interface RunnerConfigContext extends ConfigPlace {
  /** Of the whole file: merged under the runner's own. */
  readonly globalLabels: Readonly<Record<string, string>>;
  /** Where the table is, for messages: `runners[0]`. */
  readonly key: string;
  readonly problems: ConfigProblem[];
}

/** Fills in what a `[[runners]]` table leaves out. What cannot be used goes to `problems`. */
export function toRunnerConfig(table: RunnerTable, context: RunnerConfigContext): RunnerConfig {
  const { globalLabels, key, ...place } = context;
  const absolute = (file: string | undefined) =>
    file === undefined || file === "" ? undefined : path.resolve(place.workingDirectory, file);
  return {
    name: table.name ?? hostname(),
    url: table.url,
    runnerToken: table.token,
    shortToken: shortenToken(table.token),
    runnerId: table.id,
    tokenObtainedAt: table.token_obtained_at,
    tokenExpiresAt: table.token_expires_at,
    tls: tlsConfig(table, place),
    executor: table.executor,
    limit: Math.max(0, table.limit),
    requestConcurrency: Math.max(1, table.request_concurrency),
    strictCheckInterval: table.strict_check_interval,
    outputLimitBytes: positive(table.output_limit, defaults.outputLimitKiB) * 1024,
    buildsDir: absolute(table.builds_dir),
    cacheDir: absolute(table.cache_dir),
    cloneUrl: table.clone_url || undefined,
    environment: table.environment.map(splitAssignment),
    shell: table.shell,
    preGetSourcesScript: table.pre_get_sources_script || undefined,
    postGetSourcesScript: table.post_get_sources_script || undefined,
    preBuildScript: table.pre_build_script || undefined,
    postBuildScript: table.post_build_script || undefined,
    prepareTimeoutMs: table.prepare_timeout || undefined,
    getSourcesTimeoutMs: table.get_sources_timeout || undefined,
    debugTraceDisabled: table.debug_trace_disabled,
    safeDirectoryCheckout: table.safe_directory_checkout,
    cleanGitConfig: table.clean_git_config,
    unhealthyRequestsLimit: positive(table.unhealthy_requests_limit, defaults.unhealthyRequests),
    unhealthyIntervalMs: positive(table.unhealthy_interval, defaults.unhealthyIntervalMs),
    finalUpdateRetryLimit: positive(table.job_status_final_update_retry_limit, defaults.finalUpdates),
    labels: { ...globalLabels, ...table.labels },
    customBuildDirEnabled: table.custom_build_dir.enabled ?? table.executor === "docker",
    artifactUploadTimeoutMs: positive(table.artifact.upload_timeout ?? 0, 3_600_000),
    artifactResponseHeaderTimeoutMs: positive(table.artifact.response_header_timeout ?? 0, 600_000),
    queuingLimits: createQueuingLimits(table.monitoring.job_queuing_durations, {
      key: `${key}.monitoring.job_queuing_durations`,
      problems: context.problems,
    }),
    featureFlags: table.feature_flags,
    cache: toCacheConfig(table.cache, { ...place, key: `${key}.cache` }),
    docker: table.docker === undefined || table.executor !== "docker" ? undefined : toDockerConfig(table.docker),
  };
}

function tlsConfig(table: RunnerTable, { directory, workingDirectory }: ConfigPlace): RunnerTlsConfig {
  const { hostname: host } = new URL(table.url);
  const pick = (configured: string | undefined, suffix: string) => {
    if (configured !== undefined && configured !== "") return path.resolve(workingDirectory, configured);
    const beside = directory === undefined ? undefined : path.join(directory, "certs", `${host}${suffix}`);
    return beside !== undefined && existsSync(beside) ? beside : undefined;
  };
  return {
    caFile: pick(table["tls-ca-file"], ".crt"),
    certFile: pick(table["tls-cert-file"], ".auth.crt"),
    keyFile: pick(table["tls-key-file"], ".auth.key"),
  };
}

function splitAssignment(text: string): { key: string; value: string } {
  const equals = text.indexOf("=");
  return { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

function positive(value: number, fallback: number): number {
  return value > 0 ? value : fallback;
}
