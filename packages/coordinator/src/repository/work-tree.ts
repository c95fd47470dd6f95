import { join, resolve } from "node:path";
import { CoordinatorError } from "../coordinator-error.ts";
import type { Git } from "./git.ts";

/** Where things are in a user's repository. Absolute paths. */
export interface WorkTree {
  readonly topLevel: string;
  /** Of this work tree: holds `HEAD` and `index`. */
  readonly gitDir: string;
  /** Shared by all work trees of the repository. */
  readonly commonDir: string;
  readonly objectFormat: string;
}

/** Finds the work tree that a folder lies in. @throws {CoordinatorError} `not-a-repository`. */
export async function findWorkTree(git: Git, folder: string): Promise<WorkTree> {
  const answer = await git
    .maybe(["rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir", "--show-object-format"], {
      cwd: folder,
    })
    .catch(() => undefined);
  const [topLevel, gitDir, commonDir, objectFormat] = answer?.split("\n") ?? [];
  if (!topLevel || !gitDir || !commonDir || !objectFormat) {
    throw new CoordinatorError(`${folder} is not in the work tree of a git repository`, { code: "not-a-repository" });
  }
  return { topLevel, gitDir, commonDir: resolve(folder, commonDir), objectFormat };
}

/** Folder of a repository's objects. */
export function objectsOf(commonDir: string): string {
  return join(commonDir, "objects");
}
