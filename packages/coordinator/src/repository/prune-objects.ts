import { join } from "node:path";
import type { Git } from "./git.ts";
import { snapshotObjectsOf } from "./served-repository.ts";

/**
 * Removes from a repository of ours the objects that no ref leads to any more. The user's objects, which it borrows, are
 * only read. Younger objects stay: a snapshot that is being taken has no ref yet.
 *
 * @param served path of our bare repository.
 * @param before Unix time, milliseconds; objects that were written or used since then stay.
 * @throws {CoordinatorError} `git-failed`.
 */
export async function pruneObjects(git: Git, served: string, before: number): Promise<void> {
  await dropBrokenRefs(git, served);
  const expire = `--expire=${new Date(before).toISOString()}`;
  await git.text(["-C", served, "prune", expire]);
  // The store of snapshots has no alternates of its own (see `takeSnapshot`), and for once needs them.
  const variables = {
    GIT_DIR: served,
    GIT_OBJECT_DIRECTORY: snapshotObjectsOf(served),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: join(served, "objects"),
  };
  await git.text(["prune", expire], { cwd: served, variables });
}

/** A commit that the user's own git has removed leaves refs of ours that lead nowhere. */
async function dropBrokenRefs(git: Git, served: string): Promise<void> {
  const listed = await git.text(["-C", served, "for-each-ref", "--format=%(objectname) %(refname)"]);
  const refs = listed.split("\n").filter((line) => line !== "");
  const input = refs.map((line) => `${line.split(" ")[0]}\n`).join("");
  const checked = (await git.text(["-C", served, "cat-file", "--batch-check"], { input })).split("\n");
  const broken = refs.filter((_, index) => checked[index]?.endsWith(" missing") === true);
  const commands = broken.map((line) => `delete ${line.slice(line.indexOf(" ") + 1)}\n`).join("");
  if (commands !== "") await git.text(["-C", served, "update-ref", "--stdin"], { input: commands });
}
