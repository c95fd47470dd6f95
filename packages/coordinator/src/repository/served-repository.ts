import { appendFile, copyFile, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "./git.ts";
import { objectsOf, type RepositoryRef, type WorkTree } from "./work-tree.ts";

/**
 * Prepares the bare repository of ours from which runners fetch: it borrows the objects of the user's repository
 * (alternates) and holds what the user's must not: objects of snapshots, and refs.
 *
 * Rule: runner-protocol.md §9.1 #16 (bare SHAs may be wanted); shallow and partial clones are allowed.
 */
export async function prepareServedRepository(git: Git, path: string, source: WorkTree): Promise<void> {
  const isThere = await stat(join(path, "HEAD")).then(
    () => true,
    () => false,
  );
  if (!isThere) await createServedRepository(git, path, source);
  const borrowed = [snapshotObjectsOf(path), objectsOf(source.commonDir)];
  await writeFile(join(path, "objects", "info", "alternates"), borrowed.map((folder) => `${folder}\n`).join(""));
  await copyFile(join(source.commonDir, "shallow"), join(path, "shallow")).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}

/** Where the objects of snapshots go: a store without alternates (see `takeSnapshot`). */
export function snapshotObjectsOf(served: string): string {
  return join(served, "snapshot-objects");
}

async function createServedRepository(git: Git, path: string, source: WorkTree): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const format = `--object-format=${source.objectFormat}`;
  await git.text(["init", "--quiet", "--bare", "--template=", format, "--initial-branch=main", path]);
  await mkdir(join(path, "objects", "info"), { recursive: true });
  await mkdir(snapshotObjectsOf(path), { recursive: true });
  await appendFile(
    join(path, "config"),
    `[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
[http]
	receivepack = false
[gc]
	auto = 0
`,
  );
}

/**
 * Refs of the user's repository that a clone of its origin would have, local branches before remote ones, as commands for
 * `git update-ref --stdin`.
 */
export function commandsToCopyRefs({ refs }: WorkTree): string {
  const commands = new Map<string, string>();
  for (const { name, sha } of [...refs].sort(remoteFirst)) {
    if (name.startsWith("refs/remotes/") && !name.startsWith("refs/remotes/origin/")) continue;
    const target = name.replace(/^refs\/remotes\/origin\//, "refs/heads/");
    if (target !== "refs/heads/HEAD") commands.set(target, `update ${target} ${sha}\n`);
  }
  return [...commands.values()].join("");
}

function remoteFirst(a: RepositoryRef, b: RepositoryRef): number {
  return Number(b.name.startsWith("refs/remotes/")) - Number(a.name.startsWith("refs/remotes/"));
}
