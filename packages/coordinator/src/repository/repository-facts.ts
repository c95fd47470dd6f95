import type { Git } from "./git.ts";
import type { NamedCommit } from "./named-commit.ts";
import type { Snapshot } from "./snapshot.ts";
import type { WorkTree } from "./work-tree.ts";

/** What a repository tells about the commit that shall run. */
export interface RepositoryFacts {
  readonly ref: string;
  readonly isTag: boolean;
  /** Of an annotated tag. */
  readonly tagMessage: string | undefined;
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
  const { branch, tag } = named === undefined ? await checkedOut(source, inSource) : refOf(named);
  const defaultBranch = source.isBare ? await headOf(inSource) : findDefaultBranch(source, branch);
  const shown = await git.text(["-C", served, "log", "-1", "--format=%P%x00%an <%ae>%x00%cI%x00%B", snapshot.sha]);
  const [parents = "", author = "", timestamp = "", message = ""] = shown.split("\0");
  const parent = parents.split(" ")[0] || "0".repeat(snapshot.sha.length);
  const name = source.config.get("user.name") ?? "local";
  const email = source.config.get("user.email") ?? "local@localhost";
  const login = (email.split("@")[0] ?? "").replaceAll(/[^\w.-]/g, "") || "local";
  return {
    ref: branch ?? tag ?? snapshot.sha.slice(0, 12),
    isTag: tag !== undefined,
    tagMessage: tag === undefined ? undefined : await messageOf(inSource, tag),
    defaultBranch,
    beforeSha: (await findBase(source, inSource, snapshot, { branch, defaultBranch })) ?? parent,
    commit: { message: message.trimEnd(), author, timestamp },
    user: { name, email, login },
  };
}

async function checkedOut({ refs }: WorkTree, ask: Ask): Promise<{ branch?: string; tag?: string }> {
  const head = refs.find(({ isHead }) => isHead);
  if (head !== undefined) return { branch: head.name.replace(/^refs\/heads\//, "") };
  // A branch without commits, or none.
  const branch = await ask(["symbolic-ref", "--quiet", "--short", "HEAD"]);
  if (branch !== undefined) return { branch };
  const tag = await ask(["describe", "--tags", "--exact-match", "HEAD"]);
  return tag === undefined ? {} : { tag };
}

async function messageOf(ask: Ask, tag: string): Promise<string | undefined> {
  const shown = await ask(["for-each-ref", "--format=%(objecttype) %(contents)", `refs/tags/${tag}`]);
  return shown?.startsWith("tag ") === true ? shown.slice(4).trim() : undefined;
}

function refOf({ ref, isTag }: NamedCommit): { branch?: string; tag?: string } {
  return isTag ? { tag: ref } : { branch: ref };
}

type Ask = (args: readonly string[]) => Promise<string | undefined>;

/** What a bare repository's clones check out. */
async function headOf(ask: Ask): Promise<string> {
  return (await ask(["symbolic-ref", "--quiet", "--short", "HEAD"])) ?? "main";
}

function findDefaultBranch({ refs }: WorkTree, branch: string | undefined): string {
  const remote = refs.find(({ name }) => name === "refs/remotes/origin/HEAD")?.target;
  if (remote !== undefined) return remote.replace(/^refs\/remotes\/origin\//, "");
  const isThere = (name: string) => name === branch || refs.some((ref) => ref.name === `refs/heads/${name}`);
  return ["main", "master"].find(isThere) ?? branch ?? "main";
}

/** Where what is to run left its upstream, else the default branch. `undefined`: it did not, or there is none. */
async function findBase(
  { refs }: WorkTree,
  ask: Ask,
  snapshot: Snapshot,
  { branch, defaultBranch }: { branch: string | undefined; defaultBranch: string },
): Promise<string | undefined> {
  const { headSha } = snapshot;
  if (headSha === undefined) return undefined;
  const named = (name: string | undefined) => refs.filter((ref) => ref.name === name);
  const upstream = named(named(`refs/heads/${branch}`)[0]?.upstream);
  const others = [`refs/remotes/origin/${defaultBranch}`, `refs/heads/${defaultBranch}`].flatMap(named);
  const bases = upstream.length > 0 || branch === defaultBranch ? upstream : others;
  for (const { sha } of bases) {
    const shared = await ask(["merge-base", sha, headSha]);
    if (shared !== undefined && shared !== snapshot.sha) return shared;
  }
  return undefined;
}
