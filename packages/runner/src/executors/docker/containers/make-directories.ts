import { buffer } from "node:stream/consumers";
import type Dockerode from "dockerode";
import tar from "tar-stream";

/**
 * Makes directories in a container that need not run, open to every user; those that exist become so.
 *
 * Volumes of the container are written to, so that a fresh one can be used by whatever user its image has
 * (runner-protocol.md §4.3, `cache-init`).
 *
 * @param directories absolute.
 */
export async function makeDirectories(
  container: Dockerode.Container,
  directories: readonly { readonly path: string; readonly mode: number }[],
): Promise<void> {
  const pack = tar.pack();
  for (const { path, mode } of directories) {
    pack.entry({ name: `${path.replace(/^\/+/, "")}/`, type: "directory", mode });
  }
  pack.finalize();
  await container.putArchive(await buffer(pack), { path: "/" });
}
