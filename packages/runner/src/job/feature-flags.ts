import { parseGoBoolean } from "../config/go-boolean.ts";

/** Every `FF_*` flag of GitLab's runner and its default, in its order. Source: runner-protocol.md §6.6. */
const defaults = {
  FF_TEST_FEATURE: false,
  FF_NETWORK_PER_BUILD: false,
  FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY: false,
  FF_USE_DIRECT_DOWNLOAD: true,
  FF_USE_FASTZIP: true,
  FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR: false,
  FF_ENABLE_BASH_EXIT_CODE_CHECK: false,
  FF_USE_WINDOWS_LEGACY_PROCESS_STRATEGY: false,
  FF_USE_LEGACY_BASH_EVAL: false,
  FF_USE_POWERSHELL_PATH_RESOLVER: false,
  FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL: false,
  FF_SCRIPT_SECTIONS: false,
  FF_ENABLE_JOB_CLEANUP: false,
  FF_KUBERNETES_HONOR_ENTRYPOINT: false,
  FF_POSIXLY_CORRECT_ESCAPES: false,
  FF_RESOLVE_FULL_TLS_CHAIN: false,
  FF_DISABLE_POWERSHELL_STDIN: false,
  FF_USE_POD_ACTIVE_DEADLINE_SECONDS: true,
  FF_USE_ADVANCED_POD_SPEC_CONFIGURATION: false,
  FF_SECRET_RESOLVING_FAILS_IF_MISSING: true,
  FF_PRINT_POD_EVENTS: false,
  FF_USE_GIT_BUNDLE_URIS: true,
  FF_USE_GIT_NATIVE_CLONE: false,
  FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR: false,
  FF_USE_INIT_WITH_DOCKER_EXECUTOR: false,
  FF_LOG_IMAGES_CONFIGURED_FOR_JOB: false,
  FF_USE_DOCKER_AUTOSCALER_DIAL_STDIO: true,
  FF_CLEAN_UP_FAILED_CACHE_EXTRACT: false,
  FF_USE_WINDOWS_JOB_OBJECT: false,
  FF_TIMESTAMPS: true,
  FF_DISABLE_AUTOMATIC_TOKEN_ROTATION: false,
  FF_USE_LEGACY_GCS_CACHE_ADAPTER: false,
  FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR: false,
  FF_USE_LEGACY_S3_CACHE_ADAPTER: false,
  FF_GIT_URLS_WITHOUT_TOKENS: false,
  FF_WAIT_FOR_POD_TO_BE_REACHABLE: false,
  FF_MASK_ALL_DEFAULT_TOKENS: true,
  FF_EXPORT_HIGH_CARDINALITY_METRICS: false,
  FF_USE_FLEETING_ACQUIRE_HEARTBEATS: false,
  FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY: true,
  FF_USE_ADAPTIVE_REQUEST_CONCURRENCY: true,
  FF_USE_GITALY_CORRELATION_ID: true,
  FF_USE_GIT_PROACTIVE_AUTH: false,
  FF_HASH_CACHE_KEYS: false,
  FF_ENABLE_JOB_INPUTS_INTERPOLATION: true,
  FF_USE_JOB_ROUTER: false,
  FF_SCRIPT_TO_STEP_MIGRATION: false,
  FF_USE_PARALLEL_CACHE_TRANSFER: false,
  FF_USE_PARALLEL_ARTIFACT_TRANSFER: false,
  FF_CONCRETE: false,
  FF_SUSPENDABLE_ENVIRONMENTS: false,
  FF_USE_NATIVE_CONTAINER_STOP: false,
} as const;

export type FeatureFlag = keyof typeof defaults;

/** What the flags of one job are set to. */
export type FeatureFlags = Readonly<Record<FeatureFlag, boolean>>;

/** The flags that change what this runner does, whatever the executor. */
const actingFlags: ReadonlySet<FeatureFlag> = new Set<FeatureFlag>([
  "FF_USE_DIRECT_DOWNLOAD",
  "FF_ENABLE_BASH_EXIT_CODE_CHECK",
  "FF_USE_LEGACY_BASH_EVAL",
  "FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL",
  "FF_SCRIPT_SECTIONS",
  "FF_ENABLE_JOB_CLEANUP",
  "FF_POSIXLY_CORRECT_ESCAPES",
  "FF_USE_GIT_BUNDLE_URIS",
  "FF_USE_GIT_NATIVE_CLONE",
  "FF_CLEAN_UP_FAILED_CACHE_EXTRACT",
  "FF_TIMESTAMPS",
  "FF_DISABLE_AUTOMATIC_TOKEN_ROTATION",
  "FF_GIT_URLS_WITHOUT_TOKENS",
  "FF_MASK_ALL_DEFAULT_TOKENS",
  "FF_EXPORT_HIGH_CARDINALITY_METRICS",
  "FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY",
  "FF_USE_ADAPTIVE_REQUEST_CONCURRENCY",
  "FF_USE_GITALY_CORRELATION_ID",
  "FF_USE_GIT_PROACTIVE_AUTH",
  "FF_HASH_CACHE_KEYS",
  "FF_ENABLE_JOB_INPUTS_INTERPOLATION",
  "FF_SECRET_RESOLVING_FAILS_IF_MISSING",
]);

/** The flags that act with one executor only. */
const actingFlagsOf: ReadonlyMap<string, ReadonlySet<FeatureFlag>> = new Map([
  [
    "docker",
    new Set<FeatureFlag>([
      "FF_NETWORK_PER_BUILD",
      "FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR",
      "FF_USE_INIT_WITH_DOCKER_EXECUTOR",
      "FF_USE_NATIVE_CONTAINER_STOP",
    ]),
  ],
]);

export const featureFlagNames = Object.keys(defaults) as readonly FeatureFlag[];

export function isFeatureFlag(name: string): name is FeatureFlag {
  return Object.hasOwn(defaults, name);
}

export interface ResolvedFeatureFlags {
  readonly flags: FeatureFlags;
  /** One sentence for each job variable that is no boolean. */
  readonly problems: readonly string[];
}

/**
 * `[runners.feature_flags]` wins over job variables, those over the defaults.
 *
 * @param variableOf the value of a job variable; `undefined` when there is none.
 *
 * Rule: runner-protocol.md §3.2.
 */
export function resolveFeatureFlags(
  configured: Readonly<Record<string, boolean>>,
  variableOf: (name: string) => string | undefined,
): ResolvedFeatureFlags {
  const flags: Record<FeatureFlag, boolean> = { ...defaults };
  const problems: string[] = [];
  for (const name of featureFlagNames) {
    const fromConfig = configured[name];
    const fromJob = variableOf(name);
    if (fromConfig !== undefined) flags[name] = fromConfig;
    else if (fromJob !== undefined) {
      const value = parseGoBoolean(fromJob);
      if (value === undefined) problems.push(`${name}: could not parse feature flag, expected bool, got ${fromJob}`);
      else flags[name] = value;
    }
  }
  return { flags, problems };
}

/** The flags that differ from their default, as the header of a job log names them (runner-protocol.md §2.4.3). */
export function describeFeatureFlags(flags: FeatureFlags): string {
  return changedFlags(flags)
    .map((name) => `${name}:${flags[name]}`)
    .join(", ");
}

/** Whether a flag changes anything here. */
export function isActingFlag(name: FeatureFlag, executor: string): boolean {
  return actingFlags.has(name) || actingFlagsOf.get(executor)?.has(name) === true;
}

/** Flags that were set and change nothing here. */
export function idleFeatureFlags(flags: FeatureFlags, executor: string): readonly FeatureFlag[] {
  return changedFlags(flags).filter((name) => !isActingFlag(name, executor));
}

function changedFlags(flags: FeatureFlags): FeatureFlag[] {
  return featureFlagNames.filter((name) => flags[name] !== defaults[name]);
}
