import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Surroundings } from "./jobscope-process.ts";

/** A git repository with one commit on `main`. @returns its directory. */
export function aRepository({ directory, environment }: Surroundings, files: Readonly<Record<string, string>>): string {
  const repository = join(directory, "repository");
  mkdirSync(repository);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(repository, name)), { recursive: true });
    writeFileSync(join(repository, name), content);
  }
  const git = (...args: string[]): void => {
    const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
    execFileSync("git", ["-C", repository, ...identity, ...args], {
      env: environment,
      stdio: ["ignore", "ignore", "inherit"],
    });
  };
  git("init", "--quiet", "--initial-branch=main");
  git("add", "--all");
  git("commit", "--quiet", "--allow-empty", "-m", "Begin");
  return repository;
}
