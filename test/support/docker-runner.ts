import { randomBytes } from "node:crypto";
import { silentLog } from "@jobscope/labkit";
import { makeHelperImage } from "@jobscope/runner";
import { busyboxFiles, connectToEngine, importImage } from "./docker-engine.ts";

/** Keys of a `[[runners]]` table for jobs in containers that see this machine's loopback; the image goes when disposed of. */
export interface DockerRunner extends AsyncDisposable {
  readonly keys: Readonly<Record<string, unknown>>;
}

/** Makes an image with a shell and its usual programs, and the helper image where it is missing. */
export async function dockerRunner(): Promise<DockerRunner> {
  await makeHelperImage({}, { log: silentLog, signal: AbortSignal.timeout(120_000) });
  const engine = connectToEngine();
  const image = `jobscope-test-${randomBytes(6).toString("hex")}:1`;
  await importImage(engine, image, busyboxFiles);
  const docker = { image, pull_policy: "never", network_mode: "host", disable_cache: true };
  return {
    keys: { executor: "docker", builds_dir: "/builds", cache_dir: "/cache", docker },
    async [Symbol.asyncDispose]() {
      await engine.getImage(image).remove({ force: true });
    },
  };
}
