import type { Git } from "./git.ts";

/** Largest YAML file that is looked at. */
const maxFileBytes = 4 << 20;

/** Every file of a commit with its git object id, submodules left out. */
export async function listFiles(git: Git, repository: string, sha: string): Promise<Map<string, string>> {
  const listed = await git.bytes(["-C", repository, "ls-tree", "-r", "-z", sha]);
  const files = new Map<string, string>();
  for (const entry of listed.toString("utf8").split("\0")) {
    const match = /^\d+ blob ([0-9a-f]+)\t(.*)$/s.exec(entry);
    if (match !== null) files.set(match[2] ?? "", match[1] ?? "");
  }
  return files;
}

/** Paths that differ between two commits; renamed files count with both names. */
export async function listChangedFiles(git: Git, repository: string, from: string, to: string): Promise<string[]> {
  const args = ["-C", repository, "diff", "--name-only", "--no-renames", "--ignore-submodules=none", "-z", from, to];
  const listed = await git.bytes(args);
  return listed
    .toString("utf8")
    .split("\0")
    .filter((path) => path !== "");
}

/** Contents of files of a commit. Files that are missing, too large or no files are left out. */
export async function readFiles(
  git: Git,
  repository: string,
  sha: string,
  paths: readonly string[],
): Promise<Map<string, string>> {
  const readable = paths.filter((path) => !path.includes("\n"));
  const input = readable.map((path) => `${sha}:${path}\n`).join("");
  const output = await git.bytes(["-C", repository, "cat-file", "--batch"], { input });
  const contents = new Map<string, string>();
  let position = 0;
  for (const path of readable) {
    const lineEnd = output.indexOf(0x0a, position);
    const header = output.toString("utf8", position, lineEnd);
    position = lineEnd + 1;
    const match = /^[0-9a-f]+ (\w+) (\d+)$/.exec(header);
    if (match === null) continue;
    const size = Number(match[2]);
    if (match[1] === "blob" && size <= maxFileBytes)
      contents.set(path, output.toString("utf8", position, position + size));
    position += size + 1;
  }
  return contents;
}
