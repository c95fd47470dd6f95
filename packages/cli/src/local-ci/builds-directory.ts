import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { makeTemporaryDirectory, removeTree, type TemporaryDirectory } from "./temporary-directory.ts";

const prefix = "jobscope-";

/**
 * Makes the temporary directory that the runner of a data directory builds in. It lies where tools find no project round it.
 * Its path is kept in `folder`, so that the next call removes what a killed process left.
 *
 * @param folder held by this process alone: the coordinator has locked the data directory.
 */
export async function makeBuildsDirectory(folder: string): Promise<TemporaryDirectory> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const note = join(folder, "builds-directory");
  await removeLeftover(note);
  const directory = await makeTemporaryDirectory(prefix);
  await writeFile(note, directory.path, { mode: 0o600 });
  return {
    path: directory.path,
    async [Symbol.asyncDispose]() {
      await directory[Symbol.asyncDispose]();
      await rm(note, { force: true });
    },
  };
}

async function removeLeftover(note: string): Promise<void> {
  const path = await readFile(note, "utf8").catch(() => "");
  // Whatever the file says, only a directory that this function could have made is removed.
  if (dirname(path) === tmpdir() && basename(path).startsWith(prefix)) await removeTree(path);
}
