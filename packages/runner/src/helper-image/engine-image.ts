import type Dockerode from "dockerode";
import { HelperImageError } from "./helper-image-error.ts";

/**
 * Go's name of the architecture that the engine's containers are of.
 *
 * @throws {HelperImageError} when they are not of Linux.
 */
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
