import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { isAbsolute, join, posix, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Git } from "./git.ts";
import { commandsToCopyRefs, prepareServedRepository } from "./served-repository.ts";
import { type Snapshot, type SubmoduleCommit, takeSnapshot } from "./snapshot.ts";
import { listSubmodules, relativeSubmodulePath, type Submodule } from "./submodules.ts";
import { findWorkTree, lfsObjectsOf, type WorkTree } from "./work-tree.ts";

/** A repository that runners can fetch from us. */
export interface ServedRepository {
  /** Path on our server, `group/project.git`. */
  readonly path: string;
  /** Folder of the bare repository. */
  readonly folder: string;
  /** Where Git LFS objects of it are; the first is ours. Missing in what former versions stored. */
  readonly lfsObjects?: readonly string[];
}

/** A URL that a job's git must look for elsewhere. */
export interface UrlRewrite {
  readonly from: UrlOrPath;
  readonly to: UrlOrPath;
}

/** Either a URL as it stands, or a path on our server whose address is known only when a job starts. */
export type UrlOrPath = { readonly url: string } | { readonly servedPath: string };

/** A work tree with its submodules, recorded. */
export interface CapturedRepository {
  readonly snapshot: Snapshot;
  /** The repository itself first, then its submodules. */
  readonly repositories: readonly ServedRepository[];
  readonly rewrites: readonly UrlRewrite[];
  readonly warnings: readonly string[];
}

/** How deep submodules of submodules are followed. */
const maxDepth = 8;

/**
 * Records a work tree and, for each of its submodules that is checked out, that one's work tree.
 *
 * A submodule with a relative URL is served where git resolves that URL on our server; one with an absolute URL beside the
 * project, and jobs get a rewrite for it, so that what is checked out here is what runs, pushed or not.
 *
 * @param storeDir folder for our bare repositories.
 * @param servedPath `group/project.git`.
 * @param commit what is recorded instead of the work tree; its submodules are served, at the commits that it names.
 */
export async function captureRepository(
  git: Git,
  source: WorkTree,
  target: { storeDir: string; servedPath: string },
  { depth = 0, commit }: { depth?: number; commit?: string | undefined } = {},
): Promise<CapturedRepository> {
  const served = serve(target, source);
  await prepareServedRepository(git, served.folder, source);
  const inside: CapturedRepository[] = [];
  const commits: SubmoduleCommit[] = [];
  for (const submodule of depth < maxDepth ? await listSubmodules(git, source) : []) {
    const captured = await captureSubmodule(git, source, target, submodule, depth);
    inside.push(captured.repository);
    if (captured.sha !== undefined) commits.push({ path: submodule.path, sha: captured.sha });
  }
  const snapshot =
    commit === undefined
      ? await takeSnapshot(git, source, served.folder, commits)
      : { sha: commit, headSha: commit, hasUncommittedChanges: false };
  const input = `${commandsToCopyRefs(source)}update refs/jobscope/${snapshot.sha} ${snapshot.sha}\n`;
  await git.text(["-C", served.folder, "update-ref", "--stdin"], { input });
  return {
    snapshot,
    repositories: [served, ...inside.flatMap(({ repositories }) => repositories)],
    rewrites: inside.flatMap(({ rewrites }) => rewrites),
    warnings: inside.flatMap(({ warnings }) => warnings),
  };
}

function serve(target: { storeDir: string; servedPath: string }, source: WorkTree): ServedRepository {
  const folder = join(target.storeDir, `${folderName(source.commonDir)}.git`);
  const lfsObjects = [lfsObjectsOf({ commonDir: folder, config: new Map() }), lfsObjectsOf(source)];
  return { path: target.servedPath, folder, lfsObjects };
}

function folderName(commonDir: string): string {
  return createHash("sha256").update(commonDir).digest("hex").slice(0, 24);
}

interface CapturedSubmodule {
  readonly repository: CapturedRepository;
  readonly sha: string | undefined;
}

async function captureSubmodule(
  git: Git,
  parent: WorkTree,
  target: { storeDir: string; servedPath: string },
  submodule: Submodule,
  depth: number,
): Promise<CapturedSubmodule> {
  const relativePath = relativeSubmodulePath(target.servedPath, submodule.url);
  const servedPath = relativePath ?? besideProject(target.servedPath, submodule.name);
  const rewrites: UrlRewrite[] =
    relativePath === undefined ? [{ from: { url: submodule.url }, to: { servedPath } }] : [];
  const inner = { storeDir: target.storeDir, servedPath: withGitSuffix(servedPath) };
  const source = submodule.workTree;
  if (source !== undefined) {
    const captured = await captureRepository(git, source, inner, { depth: depth + 1 });
    return {
      repository: { ...captured, rewrites: [...rewrites, ...captured.rewrites] },
      sha: captured.snapshot.sha,
    };
  }
  return { repository: await captureAbsent(git, parent, inner, submodule, rewrites), sha: undefined };
}

function besideProject(servedPath: string, name: string): string {
  const parts = name.split("/").map((part) => part.replaceAll(/[^\w.-]/g, "-").replace(/^\.+/, "_"));
  return `${servedPath.replace(/\.git$/, "")}.submodules/${parts.join("/")}.git`;
}

/** A relative URL without `.git` leads to a path without it. */
function relativeOf(servedPath: string, url: string): string {
  return url.replace(/\/$/, "").endsWith(".git") ? servedPath : servedPath.replace(/\.git$/, "");
}

function withGitSuffix(path: string): string {
  return path.endsWith(".git") ? path : `${path}.git`;
}

/** A submodule that is not checked out: served when its origin is on this machine, else left to where it really is. */
async function captureAbsent(
  git: Git,
  parent: WorkTree,
  inner: { storeDir: string; servedPath: string },
  submodule: Submodule,
  rewrites: readonly UrlRewrite[],
): Promise<CapturedRepository> {
  const nothing = {
    snapshot: { sha: "", headSha: undefined, hasUncommittedChanges: false },
    repositories: [],
    warnings: [],
  };
  const url = realUrl(parent, submodule.url);
  if (url === undefined) {
    const warning = `submodule "${submodule.path}" is not checked out and has no origin to fetch it from`;
    return { ...nothing, rewrites: [], warnings: [warning] };
  }
  const local = await localRepository(git, url);
  if (local === undefined) {
    const isRelative = rewrites.length === 0;
    return {
      ...nothing,
      rewrites: isRelative ? [{ from: { servedPath: relativeOf(inner.servedPath, submodule.url) }, to: { url } }] : [],
    };
  }
  const served = serve(inner, local);
  await prepareServedRepository(git, served.folder, local);
  await git.text(["-C", served.folder, "update-ref", "--stdin"], { input: commandsToCopyRefs(local) });
  return { ...nothing, repositories: [served], rewrites };
}

/** A relative submodule URL is relative to the `origin` of the repository that names it. */
function realUrl(parent: WorkTree, url: string): string | undefined {
  if (!url.startsWith("./") && !url.startsWith("../")) return url;
  const origin = parent.config.get("remote.origin.url");
  if (origin === undefined) return undefined;
  const scheme = /^[a-z+]+:\/\/[^/]+/i.exec(origin)?.[0] ?? /^[^/:]+:/.exec(origin)?.[0];
  if (scheme === undefined) return resolve(parent.topLevel, origin, url);
  return scheme + posix.join(origin.slice(scheme.length), url);
}

async function localRepository(git: Git, url: string): Promise<WorkTree | undefined> {
  const path = url.startsWith("file://") ? fileURLToPath(url) : url;
  if (!isAbsolute(path)) return undefined;
  const exists = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!exists) return undefined;
  return await findWorkTree(git, path).catch(() => undefined);
}
