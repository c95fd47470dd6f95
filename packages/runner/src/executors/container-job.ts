import type { DockerConfig, PullPolicy } from "../config/docker-config.ts";

/**
 * What an executor that runs jobs in containers is told of one. All texts are expanded.
 *
 * Rule: runner-protocol.md §4.
 */
export interface ContainerJob {
  readonly docker: DockerConfig;
  /** `undefined` when the job names none: then the runner's own is used. */
  readonly image: ContainerImage | undefined;
  readonly services: readonly ContainerService[];
  /** Environment of the job's containers, but not of one for functions; the scripts export the same again. */
  readonly environment: Readonly<Record<string, string>>;
  /** The part of it that services see: internal and public variables. */
  readonly serviceEnvironment: Readonly<Record<string, string>>;
  readonly registryAccess: RegistryAccess;
  readonly directories: ContainerDirectories;
  readonly identity: ContainerJobIdentity;
  /** The job has `run:`: its build container runs commands of functions instead of scripts. */
  readonly runsFunctions: boolean;
  /** Program that reads the job's scripts from its standard input; `undefined`: the best POSIX shell of the image. */
  readonly shellCommand: readonly string[] | undefined;
  /** Labels of everything made for the job, without prefix (runner-protocol.md §4.11). */
  readonly labels: Readonly<Record<string, string>>;
  /** The builds volume outlives the job: git strategy `fetch`. */
  readonly reusesBuilds: boolean;
  /** Protected ref, or a cache of protected refs: has volumes of its own. */
  readonly isProtected: boolean;
  /** `FF_NETWORK_PER_BUILD` */
  readonly hasOwnNetwork: boolean;
  /** `FF_USE_INIT_WITH_DOCKER_EXECUTOR` */
  readonly usesInitProcess: boolean;
  /** `FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR`: files belong to the build image's user instead of being open to all. */
  readonly disablesUmask: boolean;
  /** `FF_USE_NATIVE_CONTAINER_STOP`: the engine's own stop is all that a script is told. */
  readonly stopsNatively: boolean;
  /** `CI_DEBUG_SERVICES` */
  readonly showsServiceLogs: boolean;
  /** `EXECUTOR_JOB_SECTION_ATTEMPTS` */
  readonly sectionAttempts: number;
  /** Replaces references to the job's variables. */
  readonly expand: (text: string) => string;
}

export interface ContainerImage {
  readonly name: string;
  /** Replaces the image's own; empty: keeps it. */
  readonly entrypoint: readonly string[];
  /** Empty: those of the configuration. */
  readonly pullPolicies: readonly string[];
  readonly platform: string | undefined;
  readonly user: string | undefined;
}

export interface ContainerService extends ContainerImage {
  readonly aliases: readonly string[];
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Where logins for registries come from. Secrets. Rule: runner-protocol.md §4.6. */
export interface RegistryAccess {
  /** The job's variable `DOCKER_AUTH_CONFIG`; empty when it has none. */
  readonly authConfig: string;
  /** Of the job's payload. */
  readonly credentials: readonly { readonly url: string; readonly username: string; readonly password: string }[];
}

/** Absolute paths in the containers. */
export interface ContainerDirectories {
  readonly builds: string;
  readonly project: string;
  /** Beside the project: file variables and the like. */
  readonly temporary: string;
}

/** What names of containers and volumes are made of. Rule: runner-protocol.md §4.3, §4.9. */
export interface ContainerJobIdentity {
  readonly jobId: number;
  readonly projectId: number;
  readonly concurrentProjectId: number;
  readonly shortToken: string;
  /** A secret: only a hash of it gets out. */
  readonly runnerToken: string;
  readonly systemId: string;
}

export type ImageRole = "build" | "helper" | "service";

/** One image on its way: the span `pull_image` of telemetry.md §2. */
export interface ImageRequest {
  /** As written. */
  readonly reference: string;
  readonly role: ImageRole;
}

/** How an image became available. */
export interface AvailableImage {
  readonly id: string;
  /** `name@sha256:…`; `undefined` for an image that never was in a registry. */
  readonly digest: string | undefined;
  /** The policy that yielded it. */
  readonly policy: PullPolicy;
  /** False: it was found locally. */
  readonly isPulled: boolean;
  readonly sizeBytes: number;
  readonly layers: number;
  /** What came over the network; `undefined` when the engine did not tell. */
  readonly receivedBytes: number | undefined;
}
