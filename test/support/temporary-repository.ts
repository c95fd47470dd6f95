import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A real git repository in a temporary directory, gone when disposed of. */
export interface TemporaryRepository extends AsyncDisposable {
  readonly path: string;
}

/** Makes a repository with one commit on `main` that holds `files` (path → text). */
export async function temporaryRepository(files: Readonly<Record<string, string>>): Promise<TemporaryRepository> {
  const path = await mkdtemp(join(tmpdir(), "jobscope-repository-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
  await run("git", ["init", "--quiet", "--initial-branch=main", path]);
  await run("git", ["-C", path, "add", "--all"]);
  await run("git", ["-C", path, ...identity, "commit", "--quiet", "--message=Start"]);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
