import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Git } from "./git.ts";
import { findWorkTree, type WorkTree } from "./work-tree.ts";

/** One submodule that a work tree's `.gitmodules` names. */
export interface Submodule {
  readonly name: string;
  /** Relative to the work tree. */
  readonly path: string;
  /** As written: absolute, or relative to the repository that names it. */
  readonly url: string;
  /** Where it is checked out; `undefined` when it is not. */
  readonly workTree: WorkTree | undefined;
}

/** Reads `.gitmodules` of the work tree; entries without path or URL are left out. */
export async function listSubmodules(git: Git, source: WorkTree): Promise<Submodule[]> {
  const file = join(source.topLevel, ".gitmodules");
  if (!existsSync(file)) return [];
  const settings = await git.maybe(["config", "--file", file, "--null", "--list"], { cwd: source.topLevel });
  const byName = new Map<string, { path?: string; url?: string }>();
  for (const entry of settings?.split("\0") ?? []) {
    const match = /^submodule\.(.+)\.(path|url)\n(.*)$/s.exec(entry);
    if (match === null) continue;
    const [, name = "", key = "", value = ""] = match;
    byName.set(name, { ...byName.get(name), [key]: value });
  }
  const found: Submodule[] = [];
  for (const [name, { path, url }] of byName) {
    if (path === undefined || url === undefined || !isInside(path)) continue;
    found.push({ name, path, url, workTree: await checkedOut(git, source, path) });
  }
  return found;
}

function isInside(path: string): boolean {
  const normal = posix.normalize(path);
  return !normal.startsWith("..") && !posix.isAbsolute(normal);
}

async function checkedOut(git: Git, source: WorkTree, path: string): Promise<WorkTree | undefined> {
  const folder = join(source.topLevel, path);
  const hasGit = await stat(join(folder, ".git")).then(
    () => true,
    () => false,
  );
  return hasGit ? await findWorkTree(git, folder).catch(() => undefined) : undefined;
}

/**
 * Where git looks for a submodule with a relative URL, as a path on our server.
 * @param parentPath `group/project.git`, the path of the repository that names it.
 * @returns `undefined` when the URL is not relative or leaves the server.
 */
export function relativeSubmodulePath(parentPath: string, url: string): string | undefined {
  if (!url.startsWith("./") && !url.startsWith("../")) return undefined;
  const path = posix.normalize(posix.join(parentPath, url));
  return path.startsWith("..") || path === "." ? undefined : path.replace(/\/$/, "");
}
