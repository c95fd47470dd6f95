import type { Log } from "@jobscope/labkit";
import { ensureHelperImage } from "../helper-image/ensure-helper-image.ts";
import { findDockerEngine } from "../helper-image/find-docker-engine.ts";
import type { HelperImage } from "../helper-image/helper-image.ts";
import { HelperImageError } from "../helper-image/helper-image-error.ts";

export interface MakeHelperImageOptions {
  /** An image to start from. Default: the programs of this machine. */
  readonly base?: string | undefined;
  /** Name of the image, with its tag. Default: where runners of this version look for it. */
  readonly name?: string | undefined;
  /** Called when it is not there, or out of date, and is going to be made. */
  readonly onMake?: (() => void) | undefined;
}

/**
 * Makes the helper image on the engine that the environment names (`DOCKER_HOST`, as for the `docker` command), unless
 * it is there and up to date.
 *
 * @throws {HelperImageError} when there is no engine, or the image cannot be made.
 */
export async function makeHelperImage(
  { base, name, onMake }: MakeHelperImageOptions,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<HelperImage & { readonly isNew: boolean }> {
  const engine = await findDockerEngine();
  signal.throwIfAborted();
  if (engine.kind === "silent") throw new HelperImageError(`cannot reach the Docker engine: ${engine.why}`);
  return await ensureHelperImage({ docker: engine.docker, base, name, log, signal, onMake });
}
