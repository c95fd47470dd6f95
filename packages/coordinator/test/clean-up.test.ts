import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "@jobscope/labkit";
import { childEnvironment } from "../src/child-environment.ts";
import { cleanUp } from "../src/lifecycle/clean-up.ts";
import { CoordinatorState } from "../src/lifecycle/coordinator-state.ts";
import { createGit } from "../src/repository/git.ts";
import { createJobFiles } from "../src/store/job-files.ts";
import { openStateStore } from "../src/store/state-store.ts";
import { runningCoordinator } from "./support/running-coordinator.ts";
import { git, write } from "./support/temporary-repository.ts";

const hourMs = 60 * 60 * 1000;

test("expired artifacts and pipelines beyond the limits go, with files and refs; the newest of each project stays", async () => {
  await using stack = await runningCoordinator("job: { script: [x] }");
  const { coordinator, repository, runner, folder } = stack;
  const ids: number[] = [];
  for (let count = 0; count < 3; count += 1) {
    write(repository, { "changed.txt": String(count) });
    const pipeline = await coordinator.createPipeline({ repository });
    const job = await runner.nextJob();
    await runner.upload(job, "artifact_type=archive&expire_in=1 hour", "a.zip", new Uint8Array([1]));
    await runner.finish(job);
    await pipeline.finished;
    ids.push(pipeline.id);
  }
  await coordinator[Symbol.asyncDispose]();

  using store = openStateStore(join(folder, "data", "coordinator.db"));
  const state = new CoordinatorState(store);
  const ours = createGit(childEnvironment({ PATH: "/usr/bin:/bin", HOME: "/nonexistent" }));
  const alone = (_projectId: number, work: () => Promise<void>) => work();
  const deps = { state, git: ours, log: silentLog, alone, files: createJobFiles(join(folder, "data", "jobs")) };
  const shas = ids.map((id) => state.pipelines.get(id)?.facts.sha ?? "");
  /** Whether the commit of each pipeline, and the file that only it has, are still there. */
  const has = () =>
    shas.map((sha, index) => {
      const blob = hash("sha1", `blob 1\0${index}`);
      const input = `${sha}\n${blob}\n`;
      const found = execFileSync("git", ["-C", served, "cat-file", "--batch-check"], { input, encoding: "utf8" });
      return !found.includes(" missing");
    });
  const served = state.pipelines.get(ids[0] ?? 0)?.repositoryFolder ?? "";
  const jobFile = (jobId: number, name: string) => existsSync(join(folder, "data", "jobs", "0", String(jobId), name));
  const refs = (pattern: string) => git(served, "for-each-ref", "--format=%(refname)", pattern).split("\n");

  await cleanUp({ ...deps, now: Date.now, keep: {} });
  assert.deepEqual([...state.pipelines.keys()], ids);
  assert.ok(jobFile(1, "artifact-archive"));

  await cleanUp({ ...deps, now: Date.now, keep: { pipelines: 2 } });
  assert.deepEqual([...state.pipelines.keys()], ids.slice(1));
  assert.deepEqual([jobFile(1, "job.log"), jobFile(2, "job.log")], [false, true]);
  assert.deepEqual(
    refs("refs/pipelines"),
    ids.slice(1).map((id) => `refs/pipelines/${id}`),
  );
  assert.equal(refs("refs/jobscope").length, 2);
  assert.deepEqual(has(), [true, true, true], "what is young may be of a snapshot that has no ref yet");

  await cleanUp({ ...deps, now: () => Date.now() + 2 * hourMs, keep: {} });
  assert.deepEqual([jobFile(3, "artifact-archive"), jobFile(3, "job.log")], [false, true]);
  assert.deepEqual(state.jobs.get(3)?.artifacts, []);

  await cleanUp({ ...deps, now: () => Date.now() + 31 * 24 * hourMs, keep: {} });
  assert.deepEqual([...new CoordinatorState(store).pipelines.keys()], ids.slice(2));
  assert.deepEqual([...new CoordinatorState(store).jobs.keys()], [3]);
  assert.deepEqual(has(), [false, false, true], "only the newest pipeline's commit and files are left");
  assert.equal(git(served, "show", `${shas[2]}:changed.txt`), "2");
});
