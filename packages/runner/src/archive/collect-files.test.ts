import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { collectFiles, type FileSelection } from "./collect-files.ts";

/** Source of all: runner-protocol.md §3.8. `D` stands for the project directory. */
const cases: readonly {
  readonly name: string;
  readonly paths?: readonly string[];
  readonly exclude?: readonly string[];
  readonly untracked?: boolean;
  readonly found: readonly string[];
  readonly says: readonly string[];
}[] = [
  {
    name: "a directory is taken with all below it",
    paths: ["bin/"],
    found: ["bin", "bin/.hidden", "bin/app", "bin/deep", "bin/deep/lib.so"],
    says: ["bin/: found 5 matching artifact files and directories"],
  },
  {
    name: "a star does not cross directories",
    paths: ["*.md"],
    found: ["notes.md"],
    says: ["*.md: found 1 matching artifact files and directories"],
  },
  {
    name: "two stars do, and find nothing as well",
    paths: ["**/*.md"],
    found: ["docs/guide.md", "notes.md"],
    says: ["**/*.md: found 2 matching artifact files and directories"],
  },
  {
    name: "a matching directory is taken with all below it",
    paths: ["b*"],
    found: ["bin", "bin/.hidden", "bin/app", "bin/deep", "bin/deep/lib.so"],
    says: ["b*: found 5 matching artifact files and directories"],
  },
  {
    name: "braces and classes",
    paths: ["{notes,none}.md", "docs/[fg]uide.*"],
    found: ["docs/guide.md", "notes.md"],
    says: [
      "{notes,none}.md: found 1 matching artifact files and directories",
      "docs/[fg]uide.*: found 1 matching artifact files and directories",
    ],
  },
  {
    name: "names that begin with a dot are like others",
    paths: ["bin/*"],
    exclude: ["bin/deep/**"],
    found: ["bin/.hidden", "bin/app"],
    says: ["bin/*: found 2 matching artifact files and directories", "bin/deep/**: excluded 2 files"],
  },
  {
    name: "links are taken as links and not followed",
    paths: ["link", "link/*"],
    found: ["link"],
    says: [
      "link: found 1 matching artifact files and directories",
      "link/*: no matching files. Ensure that the artifact path is relative to the working directory (D)",
    ],
  },
  {
    name: "an absolute path inside the project is made relative",
    paths: ["D/docs"],
    found: ["docs", "docs/guide.md"],
    says: ["D/docs: found 2 matching artifact files and directories"],
  },
  {
    name: "the project itself",
    paths: ["docs/.."],
    exclude: ["bin/**", "docs/**", ".git/**", ".git", "bin"],
    found: [".gitignore", "ignored.log", "link", "notes.md"],
    says: ["docs/..: found 4 matching artifact files and directories"],
  },
  {
    name: "nothing outside the project",
    paths: ["../", "/etc/passwd"],
    found: [],
    says: [
      "processPath: artifact path is not a subpath of project directory: ../",
      "processPath: artifact path is not a subpath of project directory: /etc/passwd",
    ],
  },
  {
    name: "the name of a directory excludes it, not what is in it",
    paths: ["docs"],
    exclude: ["docs/"],
    found: ["docs/guide.md"],
    says: ["docs: found 1 matching artifact files and directories", "docs/: excluded 1 files"],
  },
  {
    name: "untracked files, ignored ones included",
    untracked: true,
    found: ["ignored.log", "notes.md"],
    says: ["untracked: found 2 files"],
  },
];

describe("the files of an archive", () => {
  let directory: string;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "jobscope-collect-test-"));
    await mkdir(path.join(directory, "bin/deep"), { recursive: true });
    await mkdir(path.join(directory, "docs"));
    for (const file of ["bin/app", "bin/.hidden", "bin/deep/lib.so", "docs/guide.md", "notes.md", "ignored.log"]) {
      await writeFile(path.join(directory, file), file);
    }
    await writeFile(path.join(directory, ".gitignore"), "*.log\n");
    await symlink("docs", path.join(directory, "link"));
    const git = (...words: string[]) =>
      execFileSync("git", ["-c", "user.name=T", "-c", "user.email=t@e", ...words], { cwd: directory });
    git("init", "--quiet");
    git("add", "bin", "docs", "link", ".gitignore");
    git("commit", "--quiet", "--message", "one");
  });

  after(() => rm(directory, { recursive: true }));

  for (const { name, paths = [], exclude = [], untracked = false, found, says } of cases) {
    test(name, async () => {
      const said: string[] = [];
      const say = (message: string) => void said.push(message.replaceAll(directory, "D"));
      const selection: FileSelection = {
        directory,
        paths: paths.map((wish) => wish.replace("D", directory)),
        exclude,
        includesUntracked: untracked,
        environment: { PATH: "/usr/local/bin:/usr/bin:/bin" },
        report: { info: say, warning: say },
        signal: new AbortController().signal,
      };
      assert.deepEqual([...(await collectFiles(selection)).keys()], found);
      assert.deepEqual(
        said.filter((sentence) => !sentence.includes("excluded") || says.includes(sentence)),
        says,
      );
    });
  }
});
