import { type GitAccess, runGit } from "./git-command.ts";

/** What to fetch for a revision as written. */
export type GitTarget =
  /** A tag or branch: the full ref, and the commit it stands for now. */
  | { readonly kind: "ref"; readonly ref: string; readonly commit: string }
  | { readonly kind: "commit"; readonly commit: string }
  /** The beginning of a commit id; needs the history to be completed. */
  | { readonly kind: "abbreviation"; readonly prefix: string };

const fullCommit = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const abbreviatedCommit = /^[0-9a-f]{8,63}$/; // more than 7 characters (ci-functions.md §2.4)

/**
 * Asks the server what a revision stands for: tag, then branch, then commit (ci-functions.md §2.4). Always asks, with the
 * credentials at hand: what is in the cache is only for those who may fetch it.
 *
 * @returns undefined when the server knows no such tag or branch and the text is no commit id.
 */
export async function findRevision(access: GitAccess, cwd: string, revision: string): Promise<GitTarget | undefined> {
  const tag = `refs/tags/${revision}`;
  const branch = `refs/heads/${revision}`;
  const output = await runGit(access, cwd, ["ls-remote", "--", access.url, "HEAD", tag, `${tag}^{}`, branch]);
  const commits = new Map<string, string>();
  for (const line of output.split("\n")) {
    const [commit, ref] = line.split("\t");
    if (commit !== undefined && ref !== undefined) commits.set(ref, commit);
  }
  const tagged = commits.get(`${tag}^{}`) ?? commits.get(tag); // an annotated tag is followed to its commit
  if (tagged !== undefined) return { kind: "ref", ref: tag, commit: tagged };
  const branched = commits.get(branch);
  if (branched !== undefined) return { kind: "ref", ref: branch, commit: branched };
  const lower = revision.toLowerCase();
  if (fullCommit.test(lower)) return { kind: "commit", commit: lower };
  return abbreviatedCommit.test(lower) ? { kind: "abbreviation", prefix: lower } : undefined;
}
