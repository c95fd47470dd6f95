import type { Log } from "@jobscope/labkit";
import { ensureHelperImage } from "../helper-image/ensure-helper-image.ts";
import type { HelperImage } from "../helper-image/helper-image.ts";
import { HelperImageError } from "../helper-image/helper-image-error.ts";

export interface MakeHelperImageOptions {
  /** An image to start from. Default: the programs of this machine. */
  readonly base?: string | undefined;
  /** Name of the image, with its tag. Default: where runners of this version look for it. */
  readonly name?: string | undefined;
}

/**
 * Makes the helper image on the engine that the environment names (`DOCKER_HOST`, as for the `docker` command), unless
 * it is there and up to date.
 *
 * @throws {HelperImageError} when there is no engine, or the image cannot be made.
 */
export async function makeHelperImage(
  { base, name }: MakeHelperImageOptions,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<HelperImage & { readonly isNew: boolean }> {
  const { default: Docker } = await import("dockerode");
  const docker = new Docker();
  try {
    await docker.ping();
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    throw new HelperImageError(`cannot reach the Docker engine: ${why}`, { cause: error });
  }
  return await ensureHelperImage({ docker, base, name, log, signal });
}
