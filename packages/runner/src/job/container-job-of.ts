import { formatGoDuration } from "../config/go-duration.ts";
import type { JobImage } from "../coordinator-client/job.ts";
import type { ContainerImage, ContainerJob, ContainerService } from "../executors/container-job.ts";
import { createVariableSet } from "../shell/variable-set.ts";
import type { JobContext } from "./job-context.ts";
import { JobFailure } from "./job-failure.ts";

/**
 * A job as an executor with containers sees it.
 *
 * @returns `undefined` when the runner has no `[runners.docker]`.
 * @throws {JobFailure} when the job asks for options of an image that no executor has.
 *
 * Rule: runner-protocol.md §4.
 */
export function containerJobOf(context: JobContext): ContainerJob | undefined {
  const { options, flags, settings, variables, directories } = context;
  const { job, runner } = options;
  if (runner.docker === undefined) return undefined;
  const { expand } = variables;
  const environmentOf = (isIncluded: (entry: { readonly isPublic: boolean }) => boolean) =>
    Object.fromEntries(
      variables.entries.filter(isIncluded).map(({ key }) => [key, variables.processValueOf(key) ?? ""]),
    );
  return {
    docker: runner.docker,
    image: job.image === undefined ? undefined : imageOf(job.image, expand),
    services: job.services.map((service) => serviceOf(service, context)),
    environment: environmentOf(() => true),
    serviceEnvironment: environmentOf(({ isPublic }) => isPublic),
    registryAccess: { authConfig: variables.valueOf("DOCKER_AUTH_CONFIG"), credentials: job.registryCredentials },
    directories: { builds: directories.root, project: directories.project, temporary: directories.temporary },
    identity: {
      jobId: job.id,
      projectId: job.project.id,
      concurrentProjectId: options.concurrentProjectId,
      shortToken: runner.shortToken,
      runnerToken: runner.runnerToken,
      systemId: options.systemId,
    },
    runsFunctions: job.run !== undefined,
    shellCommand: context.userDialect === context.dialect ? undefined : context.userDialect.command,
    labels: labelsOf(context),
    reusesBuilds: settings.git.strategy === "fetch",
    isProtected: isProtected(context),
    hasOwnNetwork: flags.FF_NETWORK_PER_BUILD,
    usesInitProcess: flags.FF_USE_INIT_WITH_DOCKER_EXECUTOR,
    disablesUmask: flags.FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR,
    stopsNatively: flags.FF_USE_NATIVE_CONTAINER_STOP,
    showsServiceLogs: settings.showsServiceLogs,
    sectionAttempts: settings.sectionAttempts,
    expand,
  };
}

function imageOf(image: JobImage, expand: (text: string) => string): ContainerImage {
  const { platform, user } = dockerOptions(image);
  return {
    name: expand(image.name),
    entrypoint: image.entrypoint,
    pullPolicies: image.pullPolicies,
    platform: platform === undefined ? undefined : expand(platform),
    user: user === undefined ? undefined : expand(user),
  };
}

function serviceOf(service: JobImage, { variables, directories }: JobContext): ContainerService {
  const own = createVariableSet([...variables.entries, ...service.variables], directories.temporary);
  return {
    ...imageOf(service, variables.expand),
    aliases: service.aliases.map(variables.expand),
    command: service.command,
    environment: Object.fromEntries(service.variables.map(({ key }) => [key, own.valueOf(key)])),
  };
}

/** Rule: runner-protocol.md §1.8.6, row `executor_opts`. */
function dockerOptions({ name, executorOptions }: JobImage): {
  platform: string | undefined;
  user: string | undefined;
} {
  const unknown = Object.keys(executorOptions).filter((key) => key !== "docker" && key !== "kubernetes");
  if (unknown.length > 0) refuse(name, unknown);
  const { docker = {} } = executorOptions;
  if (typeof docker !== "object" || docker === null) refuse(name, ["docker"]);
  const { platform, user, ...rest } = docker as Readonly<Record<string, unknown>>;
  if (Object.keys(rest).length > 0)
    refuse(
      name,
      Object.keys(rest).map((key) => `docker.${key}`),
    );
  return { platform: textOf(platform), user: textOf(user) };
}

function textOf(value: unknown): string | undefined {
  return value === undefined || value === null || value === "" ? undefined : String(value);
}

function refuse(image: string, keys: readonly string[]): never {
  throw new JobFailure(`executor_opts of image "${image}": unknown or malformed: ${keys.join(", ")}`, {
    reason: "runner_configuration_error",
    exitCode: 3,
  });
}

/** Protected ref, or any cache of protected refs. Rule: runner-protocol.md §4.9. */
function isProtected({ options: { job } }: JobContext): boolean {
  return job.git.isProtected === true || job.caches.some(({ key }) => key.endsWith("-protected"));
}

/** Rule: runner-protocol.md §4.11. */
function labelsOf({ options, variables }: JobContext): Record<string, string> {
  const { job, runner, systemId, concurrentId, concurrentProjectId } = options;
  return {
    "job.id": String(job.id),
    "job.url": variables.valueOf("CI_JOB_URL"),
    "job.sha": job.git.sha,
    "job.before_sha": job.git.beforeSha,
    "job.ref": job.git.ref,
    "job.timeout": formatGoDuration(job.timeoutMs),
    "project.id": String(job.project.id),
    "project.runner_id": String(concurrentProjectId),
    "pipeline.id": variables.valueOf("CI_PIPELINE_ID"),
    "runner.id": runner.shortToken,
    "runner.local_id": String(concurrentId),
    "runner.system_id": systemId,
  };
}
