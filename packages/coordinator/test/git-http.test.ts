import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Coordinator, Pipeline } from "../src/index.ts";
import { runningCoordinator } from "./support/running-coordinator.ts";
import { fingerprint, git, gitOverHttp, write } from "./support/temporary-repository.ts";

const config = { ".gitlab-ci.yml": "job: { script: [x] }" };

const skip = spawnSync("git", ["lfs", "version"]).status === 0 ? false : "git-lfs is not installed";

function installLfs(repository: string): void {
  git(repository, "lfs", "install", "--local");
}

test("Git LFS objects come with the sources, committed or not; what is nowhere is named, and locks are refused", {
  skip,
}, async () => {
  await using stack = await runningCoordinator(config);
  const { coordinator, repository, runner, folder } = stack;
  installLfs(repository);
  write(repository, { ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "old.bin": "committed" });
  git(repository, "add", "--all");
  git(repository, "commit", "--quiet", "-m", "with an LFS object");
  write(repository, { "new.bin": "not committed" });
  const before = fingerprint(join(repository, ".git"));
  await coordinator.createPipeline({ repository });
  assert.deepEqual(fingerprint(join(repository, ".git")), before);
  const { git_info: source } = await runner.nextJob();

  const clone = join(folder, "clone");
  git(folder, "init", "--quiet", clone);
  installLfs(clone);
  git(clone, "remote", "add", "origin", source.repo_url);
  await gitOverHttp(clone, "fetch", "--quiet", "--depth", "1", "origin", ...source.refspecs);
  await gitOverHttp(clone, "checkout", "--quiet", source.sha);
  const contentOf = (name: string) => readFileSync(join(clone, name), "utf8");
  assert.deepEqual([contentOf("old.bin"), contentOf("new.bin")], ["committed", "not committed"]);

  const { host, pathname, username, password } = new URL(source.repo_url);
  const headers = {
    Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
    "Content-Type": "application/vnd.git-lfs+json",
  };
  const post = (route: string, body: unknown) =>
    fetch(`http://${host}${pathname}/info/lfs/${route}`, { method: "POST", headers, body: JSON.stringify(body) });
  const objects = [{ oid: "0".repeat(64), size: 4 }];
  const batch = await post("objects/batch", { operation: "download", objects });
  assert.match(
    await batch.text(),
    /"error":\{"code":404,"message":"object 0+ is not on the coordinator's machine; `git lfs/,
  );
  assert.equal((await post("objects/batch", { operation: "upload", objects })).status, 403);
  assert.equal(
    (await post("objects/batch", { operation: "download", objects: [{ oid: "../x", size: 1 }] })).status,
    400,
  );
  assert.equal((await post("locks/verify", {})).status, 501);
  headers.Authorization = `Basic ${Buffer.from("gitlab-ci-token:glcbt-1x1_0").toString("base64")}`;
  assert.equal((await post("objects/batch", { operation: "download", objects })).status, 401);
});

/** Resolves with the pipeline that a push makes. */
async function pipelineOf(coordinator: Coordinator, push: () => Promise<unknown>): Promise<Pipeline> {
  const count = coordinator.pipelines().length;
  await push();
  for (;;) {
    const pipeline = coordinator.pipelines()[count];
    if (pipeline !== undefined) return pipeline;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a push to a watched repository makes a pipeline, with Git LFS, of branches and tags; a job cannot push", {
  skip,
}, async () => {
  await using stack = await runningCoordinator(config);
  const { coordinator, repository, runner, folder } = stack;
  const bare = join(folder, "bare.git");
  git(folder, "clone", "--quiet", "--bare", repository, bare);
  git(bare, "remote", "remove", "origin");
  const watch = await coordinator.watchRepository(bare);
  const clone = join(folder, "clone");
  await gitOverHttp(folder, "clone", "--quiet", watch.pushUrl, clone);
  installLfs(clone);
  write(clone, { ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "big.bin": "pushed" });
  git(clone, "add", "--all");
  git(clone, "commit", "--quiet", "-m", "pushed");
  const before = git(clone, "rev-parse", "origin/main");

  const pipeline = await pipelineOf(coordinator, () => gitOverHttp(clone, "push", "--quiet", "origin", "HEAD:main"));
  const { ref, sha, source } = pipeline.view();
  assert.deepEqual([ref, sha, source], ["main", git(clone, "rev-parse", "HEAD"), "push"]);
  const job = await runner.nextJob();
  assert.equal(job.git_info.before_sha, before);
  rmSync(join(clone, ".git", "lfs"), { recursive: true });
  git(clone, "remote", "set-url", "origin", job.git_info.repo_url);
  await gitOverHttp(clone, "lfs", "fetch", "origin", job.git_info.sha);
  await assert.rejects(gitOverHttp(clone, "push", "--quiet", "origin", "HEAD:evil"), /403/);

  git(clone, "remote", "set-url", "origin", watch.pushUrl);
  const tagged = await pipelineOf(coordinator, () =>
    gitOverHttp(clone, "push", "--quiet", "origin", "HEAD:refs/tags/v1"),
  );
  assert.equal(tagged.view().ref, "v1");
  await watch[Symbol.asyncDispose]();
  await assert.rejects(gitOverHttp(clone, "push", "--quiet", "origin", "HEAD:refs/tags/v2"), /403/);
  await assert.rejects(coordinator.createPipeline({ repository: bare }), { code: "not-a-repository" });
});
