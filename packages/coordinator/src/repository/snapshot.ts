import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChildEnvironment } from "../child-environment.ts";
import type { Git } from "./git.ts";
import { snapshotObjectsOf } from "./served-repository.ts";
import type { WorkTree } from "./work-tree.ts";

/** The user's work tree as a commit. */
export interface Snapshot {
  readonly sha: string;
  /** Commit under it; the same as `sha` when nothing was changed. `undefined` in a repository without commits. */
  readonly headSha: string | undefined;
  readonly hasUncommittedChanges: boolean;
}

/** A submodule whose own snapshot takes the place of the recorded commit. */
export interface SubmoduleCommit {
  readonly path: string;
  readonly sha: string;
}

/**
 * Records the work tree (uncommitted changes and untracked files included, ignored ones not) as a commit in a repository
 * of ours. The user's repository is only read: index and objects that git must write go elsewhere.
 *
 * @param served path of our bare repository, prepared with the user's objects as alternates.
 * @param submodules commits to record for submodules instead of what the work tree has checked out.
 */
export async function takeSnapshot(
  git: Git,
  source: WorkTree,
  served: string,
  submodules: readonly SubmoduleCommit[] = [],
): Promise<Snapshot> {
  const folder = await mkdtemp(join(tmpdir(), "jobscope-index-"));
  try {
    const run = inOurIndex(git, source, served, join(folder, "index"));
    await copyIndex(source, join(folder, "index"));
    const head = await git.maybe(["log", "-1", "--format=%H %T %s", "HEAD"], { cwd: source.topLevel });
    const [, headSha, headTree, title = ""] = /^(\S+) (\S+) (.*)$/.exec(head ?? "") ?? [];
    await run(["add", "--all", "--", ":/"]);
    await dropEmbeddedRepositories(run, source);
    for (const { path, sha } of submodules) await run(["update-index", "--cacheinfo", `160000,${sha},${path}`]);
    const tree = await run(["write-tree", "--missing-ok"]);
    const inServed: Run = (args, input, variables = {}) =>
      git.text(["-C", served, ...args], { variables, ...(input === undefined ? {} : { input }) });
    if (headSha !== undefined && headTree === tree) {
      return { sha: headSha, headSha, hasUncommittedChanges: false };
    }
    const author = await run(["var", "GIT_AUTHOR_IDENT"]).catch(() => "");
    const sha = await commitTree(inServed, { tree, headSha, title, author });
    return { sha, headSha, hasUncommittedChanges: true };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Run = (args: readonly string[], input?: string, variables?: ChildEnvironment) => Promise<string>;

/**
 * While files are added, git sees no objects but our own: it would otherwise renew the date of every object of the user's
 * that it finds to be the same. (So `text=auto` cannot look up whether a changed file had CRLF before, and normalises it.)
 */
function inOurIndex(git: Git, source: WorkTree, served: string, index: string): Run {
  const variables = {
    GIT_DIR: source.gitDir,
    GIT_WORK_TREE: source.topLevel,
    GIT_INDEX_FILE: index,
    GIT_OBJECT_DIRECTORY: snapshotObjectsOf(served),
  };
  // A clean filter such as git-lfs keeps its own store; a split index would be written beside the user's.
  const settings = [
    "-c",
    `lfs.storage=${join(served, "lfs")}`,
    "-c",
    "core.splitIndex=false",
    "-c",
    "advice.addEmbeddedRepo=false",
  ];
  return (args, input, more = {}) =>
    git.text([...settings, ...args], {
      cwd: source.topLevel,
      variables: { ...variables, ...more },
      ...(input === undefined ? {} : { input }),
    });
}

/** With the user's index git need not read unchanged files again. */
async function copyIndex(source: WorkTree, target: string): Promise<void> {
  await copyFile(join(source.gitDir, "index"), target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}

async function gitlinks(run: Run, variables: ChildEnvironment = {}): Promise<Set<string>> {
  const listed = await run(["ls-files", "--stage", "-z"], undefined, variables);
  const entries = listed.split("\0").filter((entry) => entry.startsWith("160000 "));
  return new Set(entries.map((entry) => entry.slice(entry.indexOf("\t") + 1)));
}

/** A repository inside the work tree that is no submodule would be recorded as one that nobody can fetch. */
async function dropEmbeddedRepositories(run: Run, { gitDir }: WorkTree): Promise<void> {
  const links = await gitlinks(run);
  if (links.size === 0) return;
  const before = await gitlinks(run, { GIT_INDEX_FILE: join(gitDir, "index") });
  const embedded = [...links].filter((path) => !before.has(path));
  if (embedded.length === 0) return;
  const paths = embedded.map((path) => `${path}\0`).join("");
  const registered = new Set(await registeredPaths(run));
  const unknown = paths.split("\0").filter((path) => path !== "" && !registered.has(path));
  if (unknown.length === 0) return;
  await run(["update-index", "--force-remove", "-z", "--stdin"], unknown.map((path) => `${path}\0`).join(""));
}

async function registeredPaths(run: Run): Promise<string[]> {
  const settings = await run(["config", "--file", ".gitmodules", "--get-regexp", "^submodule\\..*\\.path$"]).catch(
    () => "",
  );
  return settings.split("\n").map((line) => line.slice(line.indexOf(" ") + 1));
}

async function commitTree(
  run: Run,
  { tree, headSha, title, author }: { tree: string; headSha: string | undefined; title: string; author: string },
): Promise<string> {
  const subject = headSha === undefined ? "" : ` on ${headSha.slice(0, 8)} ${title}`;
  const [, name = "jobscope", email = "jobscope@localhost"] = /^(.*) <(.*)> \d+ [+-]\d+$/.exec(author) ?? [];
  const identity = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
  const parents = headSha === undefined ? [] : ["-p", headSha];
  return await run(["commit-tree", tree, ...parents, "-F", "-"], `Uncommitted changes${subject}\n`, identity);
}
