import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { silentLog } from "@jobscope/labkit";
import { makeHelperImage } from "@jobscope/runner";
import { type TemporaryDirectory, temporaryDirectory } from "./temporary-directory.ts";

const run = promisify(execFile);

/** True where an engine answers and images can be made of a static busybox; tests are skipped aloud elsewhere. */
export const hasDockerEngine: boolean = await run("docker", ["version"])
  .then(() => run("/bin/busybox", ["true"]))
  .then(
    () => true,
    () => false,
  );

/** Keys of a `[[runners]]` table for jobs in containers that see this machine's loopback; the image goes when disposed of. */
export interface DockerRunner extends AsyncDisposable {
  readonly keys: Readonly<Record<string, unknown>>;
}

/** Makes an image with a shell and its usual programs, and the helper image where it is missing. */
export async function dockerRunner(): Promise<DockerRunner> {
  await makeHelperImage({}, { log: silentLog, signal: AbortSignal.timeout(120_000) });
  const image = `jobscope-test-${randomBytes(6).toString("hex")}:1`;
  await importBusybox(image);
  const docker = { image, pull_policy: "never", network_mode: "host", disable_cache: true };
  return {
    keys: { executor: "docker", builds_dir: "/builds", cache_dir: "/cache", docker },
    async [Symbol.asyncDispose]() {
      await run("docker", ["rmi", "--force", image]);
    },
  };
}

async function importBusybox(image: string): Promise<void> {
  await using directory: TemporaryDirectory = await temporaryDirectory();
  const programs = join(directory.path, "root", "bin");
  await mkdir(programs, { recursive: true });
  await copyFile("/bin/busybox", join(programs, "busybox"));
  for (const name of ["sh", "mkdir", "date", "cat", "grep"]) await symlink("busybox", join(programs, name));
  const archive = join(directory.path, "image.tar");
  await run("tar", ["-C", join(directory.path, "root"), "-cf", archive, "."]);
  await run("docker", ["import", archive, image]);
}
