import { CoordinatorError } from "../coordinator-error.ts";
import type { Git } from "./git.ts";
import type { WorkTree } from "./work-tree.ts";

/** The commit that a branch or tag names. */
export interface NamedCommit {
  /** Short name, `main` or `v1`. */
  readonly ref: string;
  readonly isTag: boolean;
  readonly sha: string;
}

/** A branch comes before a tag of the same name, a local branch before the remote one. */
const places = ["refs/heads/", "refs/remotes/origin/", "refs/tags/"];

/**
 * Looks a branch or tag up, by its short or full name.
 * @throws {CoordinatorError} `not-found`.
 */
export async function findNamedCommit(git: Git, { topLevel }: WorkTree, name: string): Promise<NamedCommit> {
  const short = name.replace(/^refs\/(heads|tags)\//, "");
  for (const place of name === short ? places : places.filter((start) => name.startsWith(start))) {
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${place}${short}^{commit}`];
    const sha = await git.maybe(args, { cwd: topLevel });
    if (sha !== undefined) return { ref: short, isTag: place === "refs/tags/", sha };
  }
  throw new CoordinatorError(`${topLevel} has no branch or tag "${name}"`, { code: "not-found" });
}
