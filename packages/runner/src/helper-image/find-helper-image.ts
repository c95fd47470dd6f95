import type Dockerode from "dockerode";
import { type HelperImage, helperImageName } from "./helper-image.ts";
import { HelperImageError } from "./helper-image-error.ts";

/**
 * The helper image of this version of the runner, as the engine has it.
 *
 * @throws {HelperImageError} when it does not have it, or runs containers of another system.
 */
export async function findHelperImage(
  docker: Dockerode,
  { signal }: { readonly signal: AbortSignal },
): Promise<HelperImage> {
  const name = helperImageName(await engineArchitecture(docker));
  signal.throwIfAborted();
  const inspected = await inspectImage(docker, name, signal);
  if (inspected === undefined) {
    throw new HelperImageError(
      `the Docker engine has no helper image ${name}: make it with "jobscope helper-image" ` +
        "(in a checkout: npm run helper-image), or name another with helper_image in config.toml",
    );
  }
  return { name, id: inspected.Id, sizeBytes: inspected.Size };
}

/** Go's name of the architecture that the engine's containers are of. */
export async function engineArchitecture(docker: Dockerode): Promise<string> {
  const { Os: system, Arch: architecture } = (await docker.version()) as { Os: string; Arch: string };
  if (system !== "linux") throw new HelperImageError(`there is no helper image for an engine of ${system} containers`);
  return architecture;
}

/** @returns `undefined` when there is no such image. */
export async function inspectImage(
  docker: Dockerode,
  name: string,
  signal: AbortSignal,
): Promise<Dockerode.ImageInspectInfo | undefined> {
  try {
    return await docker.getImage(name).inspect();
  } catch (error) {
    signal.throwIfAborted();
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}
