import type Dockerode from "dockerode";
import { HelperImageError } from "./helper-image-error.ts";

/** Reads what the engine says while it works on an image. @throws {HelperImageError} when it says that it failed. */
export function followProgress(docker: Dockerode, progress: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(progress, (error) => {
      if (error === null) resolve();
      else reject(new HelperImageError(`the engine could not make the image: ${error.message}`, { cause: error }));
    });
  });
}
