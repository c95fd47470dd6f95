import { join, resolve } from "node:path";
import { CoordinatorError } from "../coordinator-error.ts";
import type { Git } from "./git.ts";

/** Where things are in a user's repository. Absolute paths. */
export interface WorkTree {
  /** Of a bare repository, which has no work tree, its own folder. */
  readonly topLevel: string;
  readonly isBare: boolean;
  /** Of this work tree: holds `HEAD` and `index`. */
  readonly gitDir: string;
  /** Shared by all work trees of the repository. */
  readonly commonDir: string;
  readonly objectFormat: string;
  /** What git is configured with there, the last value of each; names as git prints them, in small letters. */
  readonly config: ReadonlyMap<string, string>;
  /** Branches, those of remotes, and tags. */
  readonly refs: readonly RepositoryRef[];
}

/** A ref of a user's repository. */
export interface RepositoryRef {
  /** In full, `refs/heads/main`. */
  readonly name: string;
  readonly sha: string;
  /** It is the branch that is checked out. */
  readonly isHead: boolean;
  /** In full; `undefined` when the branch follows none. */
  readonly upstream: string | undefined;
  /** The ref that this one stands for, as `refs/remotes/origin/HEAD` does. */
  readonly target: string | undefined;
}

const refFields = ["%(refname)", "%(objectname)", "%(HEAD)", "%(upstream)", "%(symref)"];

/**
 * Finds the repository that a folder lies in: its work tree, or a bare one.
 * @throws {CoordinatorError} `not-a-repository`.
 */
export async function findWorkTree(git: Git, folder: string): Promise<WorkTree> {
  const ask = (args: readonly string[]) => git.maybe(args, { cwd: folder }).catch(() => undefined);
  const places = ["--absolute-git-dir", "--git-common-dir", "--show-object-format"];
  const [answer, listed, refs] = await Promise.all([
    ask(["rev-parse", ...places, "--show-toplevel"]),
    ask(["config", "--list", "--null"]),
    ask(["for-each-ref", `--format=${refFields.join("%00")}`, "refs/heads", "refs/remotes", "refs/tags"]),
  ]);
  const config = readConfig(listed ?? "");
  const isBare = answer === undefined && config.get("core.bare") === "true";
  const found = isBare ? await ask(["rev-parse", ...places]) : answer;
  const [gitDir, commonDir, objectFormat, topLevel = isBare ? gitDir : undefined] = found?.split("\n") ?? [];
  if (!topLevel || !gitDir || !commonDir || !objectFormat) {
    throw new CoordinatorError(`${folder} is not in the work tree of a git repository`, { code: "not-a-repository" });
  }
  const folders = { topLevel, isBare, gitDir, commonDir: resolve(folder, commonDir) };
  return { ...folders, objectFormat, config, refs: readRefs(refs ?? "") };
}

function readRefs(listed: string): RepositoryRef[] {
  const lines = listed.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const [name = "", sha = "", head, upstream = "", target = ""] = line.split("\0");
    return { name, sha, isHead: head === "*", upstream: upstream || undefined, target: target || undefined };
  });
}

function readConfig(listed: string): Map<string, string> {
  const entries = listed.split("\0").filter((entry) => entry.includes("\n"));
  return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf("\n")), entry.slice(entry.indexOf("\n") + 1)]));
}

/** Folder of a repository's objects. */
export function objectsOf(commonDir: string): string {
  return join(commonDir, "objects");
}

/** Folder of a repository's Git LFS objects (git-lfs-config, `lfs.storage`: relative to the git directory). */
export function lfsObjectsOf({ commonDir, config }: Pick<WorkTree, "commonDir" | "config">): string {
  return join(resolve(commonDir, config.get("lfs.storage") ?? "lfs"), "objects");
}
