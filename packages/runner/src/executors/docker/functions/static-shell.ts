import { PassThrough } from "node:stream";
import type Dockerode from "dockerode";
import tar from "tar-stream";
import { staticBusybox } from "../../../helper-image/helper-image.ts";
import type { HelperContainer } from "../containers/helper-container.ts";
import { engineFailure, misconfigured } from "../engine.ts";

/** Directory in the build container for that busybox and for the files of functions; nothing of an image's is there. */
export const functionsDirectory = "/.jobscope";
export const staticShell = `${functionsDirectory}/busybox`;

/** Keeps a build container running that has no program of its own, and waits for processes whose parents have ended. */
export const idleCommand: readonly string[] = [
  staticShell,
  "sh",
  "-c",
  `trap 'exit 0' TERM; while :; do ${staticShell} sleep 86400 & wait $!; done`,
];

/** Where build containers get their static shell from: read once from each helper image. */
export interface StaticShells {
  /** @throws {ExecutorError} when the helper image has none. */
  copyTo(container: Dockerode.Container, helper: HelperContainer, helperImageId: string): Promise<void>;
}

export function createStaticShells(): StaticShells {
  const archives = new Map<string, Promise<Buffer>>();
  return {
    async copyTo(container, helper, helperImageId) {
      const archive = archives.get(helperImageId) ?? readProgram(helper).then(archiveOf);
      archives.set(helperImageId, archive);
      archive.catch(() => archives.delete(helperImageId));
      try {
        await container.putArchive(await archive, { path: "/" });
      } catch (error) {
        throw engineFailure("cannot bring a shell for functions into the build container", error);
      }
    },
  };
}

async function readProgram(helper: HelperContainer): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const stdin = new PassThrough();
  stdin.end();
  const outcome = await helper.runProgram(
    {
      command: ["cat", staticBusybox],
      stdin,
      onStdout: (chunk) => void chunks.push(Uint8Array.from(chunk)),
      onStderr: () => undefined,
    },
    new AbortController().signal,
  );
  if (outcome.kind === "exited" && outcome.exitCode === 0) return Buffer.concat(chunks);
  throw misconfigured(
    `the helper image has no ${staticBusybox}, which jobs with "run:" need: use the helper image of this runner`,
  );
}

async function archiveOf(program: Buffer): Promise<Buffer> {
  const pack = tar.pack();
  // whatever user the image has may write there
  pack.entry({ name: `${functionsDirectory.slice(1)}/`, type: "directory", mode: 0o1777 });
  pack.entry({ name: staticShell.slice(1), mode: 0o755 }, program);
  pack.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of pack) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
