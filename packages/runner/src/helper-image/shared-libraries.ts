import { execFile } from "node:child_process";
import { HelperImageError } from "./helper-image-error.ts";

/** What a program of this machine needs to be loaded. */
export interface SharedLibraries {
  /** The dynamic loader; `undefined` for a statically linked program. */
  readonly loader: string | undefined;
  /** Files of the libraries, the loader not among them. */
  readonly files: readonly string[];
}

/** @throws {HelperImageError} when `ldd` is missing, or a library is. */
export async function sharedLibrariesOf(program: string): Promise<SharedLibraries> {
  return readLddOutput(program, await lddOutput(program));
}

/** Examples: `libz.so.1 => /lib/libz.so.1 (0x7f…)`, `/lib64/ld-linux-x86-64.so.2 (0x7f…)`, `not a dynamic executable`. */
export function readLddOutput(program: string, output: string): SharedLibraries {
  let loader: string | undefined;
  const files: string[] = [];
  for (const line of output.split("\n")) {
    const [, name = "", file] = /^\s*(\S+)(?: => (\/\S+))? \(0x[0-9a-f]+\)$/.exec(line) ?? [];
    if (/=> not found$/.test(line)) throw new HelperImageError(`${program} lacks a library: ${line.trim()}`);
    // The loader is the one that programs name by its path; on musl it is the C library too.
    if (name.startsWith("/")) loader = name;
    else if (file !== undefined && !/^ld-/.test(name)) files.push(file);
  }
  return { loader, files: files.filter((file) => file !== loader) };
}

function lddOutput(program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("ldd", [program], { env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C" } }, (error, stdout) => {
      // It ends with 1 for a statically linked program.
      if (error !== null && typeof error.code !== "number") {
        reject(new HelperImageError(`cannot run ldd: ${error.message}`, { cause: error }));
      } else resolve(stdout);
    });
  });
}
