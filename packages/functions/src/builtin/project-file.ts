import { constants } from "node:fs";
import { type FileHandle, open, readdir, realpath } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { FunctionError } from "../function-error.ts";

/** A file or directory of the job's project, as a built-in function may read it. */
export type ProjectEntry =
  | { readonly kind: "file"; readonly handle: FileHandle; readonly size: number; readonly executable: boolean }
  | { readonly kind: "directory"; readonly names: readonly string[] };

/**
 * Opens something below the project directory. Built-ins run inside the engine, which may see more of the machine than the
 * job does: what a path leads to, through whatever links, must lie in the project. Checked on what was opened, not on the
 * path, so that swapping a link in between changes nothing.
 *
 * @returns undefined for what is neither file nor directory. A file's handle is the caller's to close.
 * @throws {FunctionError} `invalid_input`
 */
export async function openProjectEntry(workDir: string, path: string): Promise<ProjectEntry | undefined> {
  const target = resolve(workDir, path);
  const handle = await open(target, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    throw new FunctionError(`${path} cannot be read (${error.code})`, { code: "invalid_input", cause: error });
  });
  try {
    const root = await realpath(workDir);
    const opened = await openedPath(handle, target);
    if (opened !== root && !opened.startsWith(root + sep)) {
      throw new FunctionError(`${path} leads out of the project directory`, { code: "invalid_input" });
    }
    const found = await handle.stat();
    if (found.isFile()) {
      return { kind: "file", handle, size: found.size, executable: (found.mode & 0o111) !== 0 };
    }
    const names = found.isDirectory() ? (await readdir(opened)).sort() : undefined;
    await handle.close();
    return names && { kind: "directory", names };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Where an open file really is. */
async function openedPath(handle: FileHandle, target: string): Promise<string> {
  return await realpath(process.platform === "linux" ? join("/proc/self/fd", String(handle.fd)) : target);
}
