import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const directories = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Where this machine has a program; `undefined` when it has none. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const directory of directories) {
    const file = path.join(directory, name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

const run = promisify(execFile);

/** @returns what a program printed. @throws when it did not end with 0. */
export async function outputOf(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, args, { env: { PATH: directories.join(":"), LC_ALL: "C" } });
  return stdout;
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
