import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

/** A real git repository with one commit. */
export interface Repository {
  readonly directory: string;
  /** `file://` address. */
  readonly url: string;
  /** Of the newest commit. */
  readonly sha: string;
  git(...words: readonly string[]): string;
  /** Writes files and commits them. @returns the commit. */
  commit(files: Readonly<Record<string, string>>): string;
}

export function aRepository(
  directory: string,
  files: Readonly<Record<string, string>> = { "a.txt": "a\n" },
): Repository {
  mkdirSync(directory, { recursive: true });
  const settings = ["user.name=Test", "user.email=test@example.org", "protocol.file.allow=always", "gc.auto=0"];
  const options = settings.flatMap((setting) => ["-c", setting]);
  const git = (...words: readonly string[]) =>
    execFileSync("git", [...options, ...words], { cwd: directory, stdio: ["ignore", "pipe", "pipe"] })
      .toString()
      .trim();
  git("init", "--quiet", "--initial-branch=main");
  const repository: Repository = {
    directory,
    url: `file://${directory}`,
    get sha() {
      return git("rev-parse", "HEAD");
    },
    git,
    commit(changes) {
      for (const [file, text] of Object.entries(changes)) {
        mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
        writeFileSync(path.join(directory, file), text);
      }
      git("add", "--all");
      git("commit", "--quiet", "--message", "one");
      return git("rev-parse", "HEAD");
    },
  };
  repository.commit(files);
  return repository;
}
