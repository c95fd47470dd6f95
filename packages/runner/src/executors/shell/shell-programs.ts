import { access, constants } from "node:fs/promises";
import path from "node:path";
import { ExecutorError } from "../executor.ts";

/** Knows whether a shell is installed. What was found is not looked for again. */
export interface ShellPrograms {
  /** @throws {ExecutorError} `runner_configuration_error` when there is no such program: trying again is of no use. */
  require(program: string): Promise<void>;
}

/** @param searchPath `PATH` of the processes that are to be started. */
export function createShellPrograms(searchPath: string | undefined): ShellPrograms {
  const found = new Set<string>();
  return {
    async require(program) {
      if (found.has(program)) return;
      const directories = path.isAbsolute(program) ? [""] : (searchPath ?? "/usr/bin:/bin").split(path.delimiter);
      for (const directory of directories) {
        if (!(await isExecutable(path.join(directory, program)))) continue;
        found.add(program);
        return;
      }
      throw new ExecutorError(`the shell "${program}" is not installed: there is no such program in PATH`, {
        reason: "runner_configuration_error",
      });
    },
  };
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
