import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { childEnvironment } from "../src/child-environment.ts";
import { captureRepository } from "../src/repository/capture-repository.ts";
import { listChangedFiles, listFiles, readFiles } from "../src/repository/commit-files.ts";
import { createGit } from "../src/repository/git.ts";
import { readRepositoryFacts } from "../src/repository/repository-facts.ts";
import { findWorkTree } from "../src/repository/work-tree.ts";
import { aRepository, fingerprint, git, temporaryFolder, write } from "./support/temporary-repository.ts";

const ours = createGit(childEnvironment({ PATH: "/usr/bin:/bin", HOME: "/nonexistent", GIT_DIR: "/wrong" }));

async function capture(folder: string, storeDir: string) {
  const source = await findWorkTree(ours, folder);
  const captured = await captureRepository(ours, source, { storeDir, servedPath: "group/app.git" });
  const served = captured.repositories[0]?.folder ?? "";
  return { ...captured, source, served };
}

test("uncommitted, staged and untracked files are in the snapshot, ignored ones are not, and nothing is written", async () => {
  using folder = temporaryFolder();
  const app = aRepository(join(folder.path, "app"), { "a.txt": "a", "gone.txt": "x", ".gitignore": "*.log\n" });
  git(app, "tag", "v1");
  write(app, { "a.txt": "changed", "staged.txt": "s", "new/b.txt": "b", "noise.log": "n" });
  git(app, "add", "staged.txt");
  git(app, "rm", "--quiet", "gone.txt");
  const before = fingerprint(app);

  const { snapshot, served, source } = await capture(join(app, "new"), join(folder.path, "store"));

  assert.deepEqual(fingerprint(app), before);
  assert.equal(snapshot.hasUncommittedChanges, true);
  assert.deepEqual(
    [...(await listFiles(ours, served, snapshot.sha)).keys()],
    [".gitignore", "a.txt", "new/b.txt", "staged.txt"],
  );
  assert.deepEqual(await readFiles(ours, served, snapshot.sha, ["a.txt", "nope"]), new Map([["a.txt", "changed"]]));
  assert.deepEqual(await listChangedFiles(ours, served, `${snapshot.headSha}`, snapshot.sha), [
    "a.txt",
    "gone.txt",
    "new/b.txt",
    "staged.txt",
  ]);
  const facts = await readRepositoryFacts(ours, source, served, snapshot);
  assert.equal(facts.ref, "main");
  assert.equal(facts.beforeSha, snapshot.headSha);
  assert.match(facts.commit.message, /^Uncommitted changes on [0-9a-f]{8} first$/);
  assert.equal(facts.commit.author, "U. Ser <user@example.com>");
  assert.match(git(served, "for-each-ref", "--format=%(refname)"), /refs\/tags\/v1/);
});

test("a clean work tree is its commit; a repository without commits can be captured too", async () => {
  using folder = temporaryFolder();
  const app = aRepository(join(folder.path, "app"), { "a.txt": "a" });
  const { snapshot } = await capture(app, join(folder.path, "store"));
  assert.deepEqual(snapshot, {
    sha: git(app, "rev-parse", "HEAD"),
    headSha: snapshot.sha,
    hasUncommittedChanges: false,
  });

  const empty = join(folder.path, "empty");
  write(empty, { "a.txt": "a" });
  git(empty, "init", "--quiet");
  const first = await capture(empty, join(folder.path, "store"));
  assert.equal(first.snapshot.headSha, undefined);
  assert.deepEqual([...(await listFiles(ours, first.served, first.snapshot.sha)).keys()], ["a.txt"]);
});

test("a linked work tree, a split index and a repository inside the work tree do no harm", async () => {
  using folder = temporaryFolder();
  const app = aRepository(join(folder.path, "app"), { "a.txt": "a" });
  git(app, "worktree", "add", "--quiet", join(folder.path, "linked"), "-b", "side");
  git(app, "config", "core.splitIndex", "true");
  git(app, "update-index", "--split-index");
  aRepository(join(folder.path, "linked", "inner"), { "i.txt": "i" });
  const before = fingerprint(folder.path);
  using store = temporaryFolder();
  const { snapshot, served, source } = await capture(join(folder.path, "linked"), store.path);
  assert.deepEqual(fingerprint(folder.path), before);
  assert.deepEqual([...(await listFiles(ours, served, snapshot.sha)).keys()], ["a.txt"]);
  assert.equal((await readRepositoryFacts(ours, source, served, snapshot)).ref, "side");
});

test("a submodule is captured with its own uncommitted changes; its URL leads to us", async () => {
  using folder = temporaryFolder();
  const library = aRepository(join(folder.path, "library"), { "l.txt": "l" });
  const app = aRepository(join(folder.path, "app"), { "a.txt": "a" });
  git(app, "submodule", "--quiet", "add", library, "libs/one");
  git(app, "config", "--file", ".gitmodules", "submodule.two.path", "libs/two");
  git(app, "config", "--file", ".gitmodules", "submodule.two.url", "../library");
  git(app, "remote", "add", "origin", join(folder.path, "origin"));
  git(app, "add", "--all");
  git(app, "commit", "--quiet", "-m", "submodules");
  write(app, { "libs/one/l.txt": "changed inside" });
  const before = fingerprint(folder.path);
  using store = temporaryFolder();

  const { snapshot, served, repositories, rewrites } = await capture(app, store.path);

  assert.deepEqual(fingerprint(folder.path), before);
  assert.deepEqual(
    repositories.map(({ path }) => path),
    ["group/app.git", "group/app.submodules/libs/one.git", "group/library.git"],
  );
  assert.deepEqual(rewrites, [{ from: { url: library }, to: { servedPath: "group/app.submodules/libs/one.git" } }]);
  const inner = git(served, "rev-parse", `${snapshot.sha}:libs/one`);
  assert.equal(git(repositories[1]?.folder ?? "", "show", `${inner}:l.txt`), "changed inside");
});

test("a folder that is no repository is told apart", async () => {
  using folder = temporaryFolder();
  await assert.rejects(capture(folder.path, folder.path), {
    code: "not-a-repository",
    message: /is not in the work tree/,
  });
});
