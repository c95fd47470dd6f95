import type { Git } from "./git.ts";
import type { NamedCommit } from "./named-commit.ts";
import type { Snapshot } from "./snapshot.ts";
import type { WorkTree } from "./work-tree.ts";

/** What a repository tells about the commit that shall run. */
export interface RepositoryFacts {
  readonly ref: string;
  readonly isTag: boolean;
  readonly defaultBranch: string;
  /** What the snapshot is compared with for `changes`; zeros when there is nothing. */
  readonly beforeSha: string;
  readonly commit: { readonly message: string; readonly author: string; readonly timestamp: string };
  readonly user: { readonly name: string; readonly email: string; readonly login: string };
}

/**
 * Reads refs, commit and user. `beforeSha` is what a push would start from: the upstream branch; without one, the point
 * where the branch left the default branch; where that says nothing, the commit before.
 *
 * @param served our bare repository, which has the snapshot's commit too.
 * @param named the branch or tag, when it is not the one that is checked out.
 */
export async function readRepositoryFacts(
  git: Git,
  source: WorkTree,
  served: string,
  snapshot: Snapshot,
  named?: NamedCommit,
): Promise<RepositoryFacts> {
  const inSource = (args: readonly string[]) => git.maybe(args, { cwd: source.topLevel });
  const { branch, tag } = named === undefined ? await checkedOut(inSource) : refOf(named);
  const defaultBranch = source.isBare ? await headOf(inSource) : await findDefaultBranch(inSource, branch);
  const shown = await git.text(["-C", served, "log", "-1", "--format=%an <%ae>%x00%cI%x00%B", snapshot.sha]);
  const [author = "", timestamp = "", message = ""] = shown.split("\0");
  const name = source.config.get("user.name") ?? "local";
  const email = source.config.get("user.email") ?? "local@localhost";
  const login = (email.split("@")[0] ?? "").replaceAll(/[^\w.-]/g, "") || "local";
  return {
    ref: branch ?? tag ?? snapshot.sha.slice(0, 12),
    isTag: tag !== undefined,
    defaultBranch,
    beforeSha: await findBefore(inSource, snapshot, branch, defaultBranch),
    commit: { message: message.trimEnd(), author, timestamp },
    user: { name, email, login },
  };
}

async function checkedOut(ask: Ask): Promise<{ branch: string | undefined; tag: string | undefined }> {
  const branch = await ask(["symbolic-ref", "--quiet", "--short", "HEAD"]);
  return { branch, tag: branch === undefined ? await ask(["describe", "--tags", "--exact-match", "HEAD"]) : undefined };
}

function refOf({ ref, isTag }: NamedCommit): { branch: string | undefined; tag: string | undefined } {
  return isTag ? { branch: undefined, tag: ref } : { branch: ref, tag: undefined };
}

type Ask = (args: readonly string[]) => Promise<string | undefined>;

/** What a bare repository's clones check out. */
async function headOf(ask: Ask): Promise<string> {
  return (await ask(["symbolic-ref", "--quiet", "--short", "HEAD"])) ?? "main";
}

async function findDefaultBranch(ask: Ask, branch: string | undefined): Promise<string> {
  const remote = await ask(["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"]);
  if (remote !== undefined) return remote.replace(/^origin\//, "");
  for (const name of ["main", "master"]) {
    if (name === branch || (await ask(["rev-parse", "--verify", "--quiet", `refs/heads/${name}`])) !== undefined)
      return name;
  }
  return branch ?? "main";
}

async function findBefore(
  ask: Ask,
  snapshot: Snapshot,
  branch: string | undefined,
  defaultBranch: string,
): Promise<string> {
  const nothing = "0".repeat(snapshot.sha.length);
  const { headSha } = snapshot;
  if (headSha === undefined) return nothing;
  const upstream = branch && (await ask(["rev-parse", "--verify", "--quiet", `${branch}@{upstream}`]));
  if (upstream) {
    const shared = await ask(["merge-base", upstream, headSha]);
    if (shared !== undefined && shared !== snapshot.sha) return shared;
  } else if (branch !== defaultBranch) {
    for (const base of [`refs/remotes/origin/${defaultBranch}`, `refs/heads/${defaultBranch}`]) {
      const shared = await ask(["merge-base", base, headSha]);
      if (shared !== undefined && shared !== snapshot.sha) return shared;
    }
  }
  if (snapshot.hasUncommittedChanges) return headSha;
  return (await ask(["rev-parse", "--verify", "--quiet", `${headSha}^`])) ?? nothing;
}
