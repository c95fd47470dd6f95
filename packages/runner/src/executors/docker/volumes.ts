import path from "node:path";
import type Dockerode from "dockerode";
import type { DockerConfig } from "../../config/docker-config.ts";
import type { ContainerJob } from "../container-job.ts";
import { makeDirectories } from "./containers/make-directories.ts";
import { type Engine, engineFailure, isNotFound, misconfigured } from "./engine.ts";
import type { Labels } from "./labels.ts";
import type { JobNames } from "./names.ts";

/** A volume that is made for a job, or found again. */
export interface ManagedVolume {
  readonly name: string;
  readonly destination: string;
  /** False: it goes with the job. */
  readonly isReusable: boolean;
}

/** What is mounted into every container of a job. */
export interface VolumePlan {
  /** `source:destination[:mode]`, as the engine takes it. */
  readonly binds: readonly string[];
  readonly managed: readonly ManagedVolume[];
  /** No earlier job has left anything in the builds directory, and no later one finds anything. */
  readonly areBuildsFresh: boolean;
}

type VolumeJob = Pick<ContainerJob, "reusesBuilds" | "isProtected" | "directories"> & {
  readonly docker: Pick<DockerConfig, "volumes" | "disablesCache" | "cacheDirectory">;
};

/**
 * Which volumes a job gets: those of the configuration, and one for its builds unless another covers that directory.
 *
 * @throws {ExecutorError} for an entry that names no absolute path in the container, or a path twice.
 *
 * Rule: runner-protocol.md §4.9.
 */
export function planVolumes(job: VolumeJob, names: JobNames): VolumePlan {
  const binds: string[] = [];
  const managed: ManagedVolume[] = [];
  const destinations: string[] = [];

  function addManaged(destination: string, wantsReuse: boolean): void {
    const isReusable = wantsReuse && !job.docker.disablesCache;
    if (isReusable && job.docker.cacheDirectory !== undefined) {
      const source = path.posix.join(job.docker.cacheDirectory, names.cacheDirectory(destination, job.isProtected));
      binds.push(`${source}:${destination}`);
      return;
    }
    const name = isReusable ? names.reusableVolume(destination, job.isProtected) : names.temporaryVolume(destination);
    managed.push({ name, destination, isReusable });
    binds.push(`${name}:${destination}`);
  }

  for (const entry of job.docker.volumes) {
    const { source, destination, mode } = parseVolume(entry);
    if (destinations.includes(destination)) throw misconfigured(`volumes: two entries for ${destination}`);
    destinations.push(destination);
    if (source === undefined) addManaged(destination, true);
    else binds.push([source, destination, ...(mode === undefined ? [] : [mode])].join(":"));
  }
  const { builds } = job.directories;
  if (!destinations.some((destination) => isWithin(builds, destination))) addManaged(builds, job.reusesBuilds);
  const areBuildsFresh = managed.some(({ destination, isReusable }) => destination === builds && !isReusable);
  return { binds, managed, areBuildsFresh };
}

/** One entry of `volumes`. */
export interface VolumeEntry {
  /** Path of the engine's host, or name of a volume; `undefined`: a volume that is managed for the job. */
  readonly source: string | undefined;
  readonly destination: string;
  readonly mode: string | undefined;
}

/** @throws {ExecutorError} `runner_configuration_error` for an entry of another form. */
export function parseVolume(entry: string): VolumeEntry {
  const parts = entry.split(":");
  const [first = "", second, mode] = parts;
  const destination = second ?? first;
  if (parts.length > 3 || !destination.startsWith("/") || first === "") {
    throw misconfigured(`volumes: "${entry}": expected "/dest", "/host:/dest[:mode]" or "name:/dest[:mode]"`);
  }
  return {
    source: second === undefined ? undefined : first,
    destination: path.posix.resolve(destination),
    mode,
  };
}

export function isWithin(directory: string, parent: string): boolean {
  const relative = path.posix.relative(parent, directory);
  return relative === "" || !(relative === ".." || relative.startsWith("../"));
}

/** Makes the volumes of a plan; those that exist stay as they are. @throws {ExecutorError} */
export async function createVolumes(
  engine: Engine,
  plan: VolumePlan,
  { job, labels }: { readonly job: Pick<ContainerJob, "docker" | "isProtected">; readonly labels: Labels },
): Promise<void> {
  const { volumeDriver, volumeDriverOptions } = job.docker;
  await Promise.all(
    plan.managed.map(async ({ name, destination, isReusable }) => {
      const facts = { destination, protected: String(job.isProtected), reusable: String(isReusable), type: "cache" };
      try {
        await engine.createVolume({
          Name: name,
          Labels: labels.of(facts),
          ...(volumeDriver === undefined ? {} : { Driver: volumeDriver, DriverOpts: { ...volumeDriverOptions } }),
        });
      } catch (error) {
        throw engineFailure(`cannot make volume ${name}`, error);
      }
    }),
  );
}

/**
 * Opens the roots of managed volumes to every user, and makes the project directory with all above it.
 *
 * @param container one that has the volumes; it need not run.
 *
 * Rule: runner-protocol.md §4.3, "Umask / ownership" and `cache-init`.
 */
export async function openDirectories(
  { directories, disablesUmask }: Pick<ContainerJob, "directories" | "disablesUmask">,
  { managed }: VolumePlan,
  container: Dockerode.Container,
): Promise<void> {
  const { builds, project } = directories;
  const paths = new Set(managed.map(({ destination }) => destination));
  for (let parent = project; isWithin(parent, builds); parent = path.posix.dirname(parent)) {
    paths.add(parent);
    if (parent === builds) break;
  }
  const mode = disablesUmask ? 0o755 : 0o777;
  const sorted = [...paths].sort();
  try {
    await makeDirectories(
      container,
      sorted.map((directory) => ({
        path: directory,
        mode: managed.some(({ destination }) => destination === directory) ? 0o777 : mode,
      })),
    );
  } catch (error) {
    throw engineFailure("cannot make the directories of the job", error);
  }
}

/** Removes what goes with the job. */
export async function removeTemporaryVolumes(engine: Engine, { managed }: VolumePlan): Promise<void> {
  await Promise.all(managed.filter(({ isReusable }) => !isReusable).map(({ name }) => removeVolume(engine, name)));
}

export async function removeVolume(engine: Engine, name: string): Promise<void> {
  try {
    await engine.getVolume(name).remove({ force: true });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
