import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FileContent, HostFiles } from "./host-files.ts";

/**
 * Files of this machine, for commands that run on it.
 *
 * Small files are read and written synchronously: a few microseconds on a local disk, where the way through Node's thread
 * pool cost 1.5 ms a step.
 *
 * @param tempDir directory for private directories, made when missing.
 */
export function createLocalFiles(tempDir: string = tmpdir()): HostFiles {
  return {
    async createPrivateDirectory() {
      await mkdir(tempDir, { recursive: true });
      return await mkdtemp(join(tempDir, "jobscope-functions-"));
    },
    async makeDirectory(path) {
      await mkdir(path, { recursive: true, mode: 0o700 });
    },
    isDirectory: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
    writeFile: (path, content, mode) => writeFileSync(path, content, { mode }),
    readFile: (path, { maxBytes, followsLinks }) => readSmallFile(path, maxBytes, followsLinks === true),
    remove(paths) {
      for (const path of paths) rmSync(path, { force: true, recursive: true });
    },
    provide: async (directory) => directory,
    openProject: async (workDir) => ({
      directory: workDir,
      store: async () => {},
      [Symbol.asyncDispose]: async () => {},
    }),
  };
}

function readSmallFile(path: string, maxBytes: number, followsLinks: boolean): FileContent {
  // neither a named pipe put in its place may hold the job, nor a link show it a file of the machine
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (followsLinks ? 0 : constants.O_NOFOLLOW);
  try {
    const fd = openSync(path, flags);
    using _ = { [Symbol.dispose]: () => closeSync(fd) };
    const found = fstatSync(fd);
    if (!found.isFile()) return { kind: "not-regular" };
    if (found.size > maxBytes) return { kind: "too-large" };
    return { kind: "text", text: found.size === 0 ? "" : readFileSync(fd, "utf8") };
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "missing" };
    return code === "ELOOP" ? { kind: "not-regular" } : { kind: "unreadable", why: code };
  }
}
