import type { JobVariable } from "../coordinator-client/job.ts";
import { networkNameOf } from "../executors/docker/names.ts";
import { plainVariable } from "../shell/variable-set.ts";
import type { BuildDirectories } from "./build-directories.ts";
import { type FeatureFlags, featureFlagNames, isFeatureFlag } from "./feature-flags.ts";
import type { JobExecutionOptions } from "./job-execution.ts";

/** Texts of the TLS files for `CI_SERVER_TLS_*`; empty where there is none. */
export interface TlsTexts {
  readonly authorities: string;
  readonly certificate: string;
  readonly key: string;
}

/**
 * The variables of a job in ascending precedence, not expanded yet.
 *
 * @param directories `undefined` before they are known; they depend on some of these variables.
 * @param secrets what the job's secret providers gave; none before they were asked.
 *
 * Rule: runner-protocol.md §3.2.
 */
export function jobVariablesOf(
  options: JobExecutionOptions,
  flags: FeatureFlags,
  tls: TlsTexts,
  directories: BuildDirectories | undefined,
  secrets: readonly JobVariable[] = [],
): JobVariable[] {
  return [
    ...featureFlagNames.map((name) => plainVariable(name, String(flags[name]))),
    ...runnerVariables(options),
    ...defaultVariables(options, directories),
    ...tlsVariables(tls),
    ...options.job.variables.filter((variable) => !isFeatureFlag(variable.key)),
    ...fixedVariables(options),
    ...secrets,
    ...networkVariables(options, flags),
    plainVariable("RUNNER_TEMP_PROJECT_DIR", directories?.temporary ?? ""),
  ];
}

function runnerVariables({ job, runner }: JobExecutionOptions): JobVariable[] {
  return [
    ...(job.image === undefined ? [] : [{ ...plainVariable("CI_JOB_IMAGE", job.image.name), isRaw: false }]),
    plainVariable("CI_RUNNER_SHORT_TOKEN", runner.shortToken),
    ...runner.environment.map(({ key, value }) => ({ ...plainVariable(key, value), isRaw: false })),
  ];
}

function defaultVariables(options: JobExecutionOptions, directories: BuildDirectories | undefined): JobVariable[] {
  return [
    plainVariable("CI_BUILDS_DIR", directories?.root ?? ""),
    plainVariable("CI_PROJECT_DIR", directories?.project ?? ""),
    plainVariable("CI_CONCURRENT_ID", String(options.concurrentId)),
    plainVariable("CI_CONCURRENT_PROJECT_ID", String(options.concurrentProjectId)),
    plainVariable("CI_SERVER", "yes"),
    plainVariable("CI_JOB_STATUS", "running"),
    plainVariable("CI_JOB_TIMEOUT", String(Math.floor(options.job.timeoutMs / 1000))),
  ];
}

function tlsVariables(tls: TlsTexts): JobVariable[] {
  const file = (key: string, value: string) => ({ ...plainVariable(key, value), isFile: true });
  const variables: JobVariable[] = [];
  if (tls.authorities !== "") variables.push(file("CI_SERVER_TLS_CA_FILE", tls.authorities));
  if (tls.certificate !== "" && tls.key !== "") {
    variables.push(file("CI_SERVER_TLS_CERT_FILE", tls.certificate));
    variables.push({ ...file("CI_SERVER_TLS_KEY_FILE", tls.key), isPublic: false });
  }
  return variables;
}

/** What a job cannot override. */
function fixedVariables(options: JobExecutionOptions): JobVariable[] {
  const { executor, product } = options;
  const isShared = executor.name !== "docker";
  return [
    plainVariable(isShared ? "CI_SHARED_ENVIRONMENT" : "CI_DISPOSABLE_ENVIRONMENT", "true"),
    plainVariable("CI_RUNNER_VERSION", product.version),
    plainVariable("CI_RUNNER_REVISION", product.revision),
    plainVariable("CI_RUNNER_EXECUTABLE_ARCH", `${process.platform}/${goArchitecture()}`),
  ];
}

/** The network that an executor with containers will make for the job. */
function networkVariables(options: JobExecutionOptions, flags: FeatureFlags): JobVariable[] {
  const { job, runner, concurrentProjectId } = options;
  const { docker, shortToken } = runner;
  if (!flags.FF_NETWORK_PER_BUILD || docker === undefined || docker.networkMode !== undefined) return [];
  const identity = { shortToken, projectId: job.project.id, concurrentProjectId, jobId: job.id };
  return [plainVariable("CI_BUILD_NETWORK_NAME", networkNameOf(identity))];
}

/** The machine's architecture by Go's name. Rule: runner-protocol.md §1.4. */
export function goArchitecture(): string {
  const names: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };
  return names[process.arch] ?? process.arch;
}
