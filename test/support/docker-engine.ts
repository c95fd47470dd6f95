import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import Docker from "dockerode";
import tar from "tar-stream";

/** Why tests that need a Docker Engine are skipped; `false` when one answers. */
export const skipWithoutEngine: string | false = await findReason();

/** The engine that the environment names, as for the `docker` command. */
export function connectToEngine(): Docker {
  return new Docker();
}

async function findReason(): Promise<string | false> {
  try {
    await connectToEngine().ping();
    return false;
  } catch (error) {
    return `no Docker Engine answers: ${error instanceof Error ? error.message : error}`;
  }
}

/** A file of an image made for a test: its content, a copy of one of this machine, or a link. */
export type ImageFile =
  | { readonly path: string; readonly text: string; readonly mode?: number }
  | { readonly path: string; readonly from: string; readonly mode?: number }
  | { readonly path: string; readonly link: string }
  | { readonly path: string; readonly directoryMode: number };

/**
 * Makes an image of a few files, as `docker import` does.
 *
 * @param changes lines of a Dockerfile: `USER app`, `EXPOSE 80`, `ENTRYPOINT [...]`.
 */
export async function importImage(
  engine: Docker,
  reference: string,
  files: readonly ImageFile[],
  changes: readonly string[] = [],
): Promise<void> {
  const pack = tar.pack();
  const packed = buffer(pack);
  for (const file of files) {
    if ("directoryMode" in file) pack.entry({ name: `${file.path}/`, type: "directory", mode: file.directoryMode });
    else if ("link" in file) pack.entry({ name: file.path, type: "symlink", linkname: file.link });
    else {
      const content = "text" in file ? Buffer.from(file.text) : await readFile(file.from);
      pack.entry({ name: file.path, mode: file.mode ?? 0o755 }, content);
    }
  }
  pack.finalize();
  const [repo, tag = "latest"] = splitTag(reference);
  const answer: NodeJS.ReadableStream = await engine.importImage(Readable.from([await packed]), {
    repo,
    tag,
    changes: [...changes],
  });
  for await (const chunk of answer) {
    const text = String(chunk);
    if (text.includes('"error"')) throw new Error(text);
  }
}

function splitTag(reference: string): [string, string | undefined] {
  const colon = reference.indexOf(":", reference.lastIndexOf("/"));
  return colon === -1 ? [reference, undefined] : [reference.slice(0, colon), reference.slice(colon + 1)];
}

const applets =
  "awk cat chmod chown date echo env false grep head id kill ls mkdir mv nc ps rm sed sh sleep stat tail test touch tr true wc";

/** What a small image with a shell is made of: busybox, its links, a user. */
export const busyboxFiles: readonly ImageFile[] = [
  { path: "bin/busybox", from: "/bin/busybox" },
  ...applets.split(" ").map((name) => ({ path: `bin/${name}`, link: "busybox" })),
  { path: "tmp", directoryMode: 0o1777 },
  { path: "root", directoryMode: 0o700 },
  {
    path: "etc/passwd",
    text: "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/tmp:/bin/sh\n",
    mode: 0o644,
  },
  { path: "etc/group", text: "root:x:0:\napp:x:1000:\n", mode: 0o644 },
];
