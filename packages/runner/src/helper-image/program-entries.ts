import path from "node:path";
import { runnerVersion } from "../runner-version.ts";
import { helperBundle } from "./helper-bundle.ts";
import { helperProgram, staticBusybox } from "./helper-image.ts";
import { findProgram } from "./host-programs.ts";
import type { ImageEntry } from "./image-entry.ts";
import { sharedLibrariesOf } from "./shared-libraries.ts";

const home = path.dirname(staticBusybox);
const libraries = `${home}/lib`;

/**
 * The helper program, the Node.js that this process runs on, and a busybox: all that an image needs beside git and a
 * shell. Its libraries come along, so that it runs on an image with others, or another C library.
 *
 * @param options `isOwnPlatform`: whether programs of this machine run in the image. If not, `node` is taken from the
 * image, and so is busybox.
 */
export async function programEntries({ isOwnPlatform }: { readonly isOwnPlatform: boolean }): Promise<ImageEntry[]> {
  const node = isOwnPlatform ? await nodeEntries() : { entries: [], command: "node" };
  return [
    { kind: "directory", path: home, mode: 0o755 },
    { kind: "text", path: `${home}/package.json`, text: JSON.stringify({ version: runnerVersion }), mode: 0o644 },
    { kind: "text", path: `${home}/helper/main.cjs`, text: await helperBundle(), mode: 0o644 },
    {
      kind: "text",
      path: helperProgram,
      text: `#!/bin/sh\nexec ${node.command} ${home}/helper/main.cjs "$@"\n`,
      mode: 0o755,
    },
    ...node.entries,
    ...(isOwnPlatform ? await busyboxEntries() : []),
  ];
}

async function nodeEntries(): Promise<{ readonly entries: ImageEntry[]; readonly command: string }> {
  const { loader, files } = await sharedLibrariesOf(process.execPath);
  const inLibraries = (file: string) => `${libraries}/${path.basename(file)}`;
  const needed = loader === undefined ? files : [loader, ...files];
  const entries = needed.map((from): ImageEntry => ({ kind: "copy", path: inLibraries(from), from, mode: 0o755 }));
  const node = `${home}/node`;
  const version = `node ${process.version} ${process.arch}`;
  entries.push({ kind: "copy", path: node, from: process.execPath, mode: 0o755, version });
  const loading = loader === undefined ? "" : `${inLibraries(loader)} --library-path ${libraries} `;
  return { entries, command: `${loading}${node}` };
}

/** Empty when this machine has none that is statically linked. */
async function busyboxEntries(): Promise<ImageEntry[]> {
  for (const name of ["busybox", "busybox.static", "busybox-static"]) {
    const file = await findProgram(name);
    if (file === undefined || (await sharedLibrariesOf(file)).loader !== undefined) continue;
    return [{ kind: "copy", path: staticBusybox, from: file, mode: 0o755 }];
  }
  return [];
}
