import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { Job } from "../src/coordinator-client/job.ts";
import { aJob } from "./support/a-job.ts";
import { aRepository, type Repository } from "./support/a-repository.ts";
import { type ArtifactStore, anArtifactStore } from "./support/an-artifact-store.ts";
import { createJobBench, type JobBench } from "./support/run-a-job.ts";

interface Recording {
  /** Of the file with the log. */
  readonly name: string;
  /** What was run; the last one's log was recorded. */
  readonly jobs: (repository: Repository) => readonly Job[];
  /** 15.4 lost the script's exit code and always said 1. */
  readonly exitCode?: number;
  /** What the jobs are said to wait here, and waited in the recording: nobody watches a test for a minute. */
  readonly shorter?: readonly (readonly [recorded: string, here: string])[];
  /** What the coordinator has for the jobs. */
  readonly prepare?: (store: ArtifactStore) => void;
}

const artifacts = { name: "", includesUntracked: false, exclude: [], when: "on_success", expireIn: "" } as const;
const cache = {
  key: "npm",
  includesUntracked: false,
  paths: ["node_modules/"],
  when: "on_success",
  policy: "pull-push",
  fallbackKeys: [],
} as const;
const makesCache = ["mkdir node_modules", "echo lib > node_modules/lib.js"];

const recordings: readonly Recording[] = [
  { name: "two-commands", jobs: () => [aJob({ script: ["echo one", "echo two; uname -s"] })] },
  {
    name: "masked-output",
    jobs: () => {
      const SECRET = { value: "hunter2-hunter2", isMasked: true };
      return [aJob({ script: ['echo "value: $SECRET"', "echo $SECRET | cut -c1-5"], variables: { SECRET } })];
    },
  },
  {
    name: "after-script-of-failed-job",
    jobs: () => [aJob({ script: ["echo a", "false"], afterScript: ['echo "was $CI_JOB_STATUS"', "exit 1"] })],
  },
  {
    name: "file-variable-cleanup",
    jobs: () => {
      const CONFIG = { value: "0123456789", isFile: true };
      return [aJob({ script: ['wc -c < "$CONFIG"'], variables: { CONFIG } })];
    },
  },
  { name: "fails-with-5", jobs: () => [aJob({ script: ["echo going to fail", "(exit 5)"] })], exitCode: 5 },
  { name: "clone", jobs: (from) => [gitJob(from, "clone", "git log --oneline | cat")] },
  {
    name: "fetch-again",
    jobs: (from) => {
      const job = gitJob(from, "fetch", "git status --short --branch");
      return [job, job];
    },
  },
  {
    name: "get-sources-fails",
    jobs: ({ sha }) => {
      const git = { repositoryUrl: "/does-not-exist.git", sha };
      return [aJob({ git, variables: { GIT_STRATEGY: "clone" } })];
    },
    exitCode: 128,
  },
  {
    name: "artifacts-zip",
    jobs: () => [
      aJob({
        script: ["mkdir bin", "echo program > bin/app", "echo notes > notes.md"],
        artifacts: [
          { ...artifacts, paths: ["bin/", "*.md"], type: "archive", format: "zip" },
          { ...artifacts, paths: ["notes.md"], type: "cobertura", format: "gzip" },
        ],
      }),
    ],
  },
  {
    name: "artifacts-download",
    jobs: () => {
      const artifactsFile = { filename: "arch.zip", sizeBytes: 1 };
      const dependency = { jobId: 1010, jobToken: "tok-1010-abcdefgh", name: "artifacts-zip", artifactsFile };
      return [aJob({ script: ["cat bin/app notes.md"], dependencies: [dependency] })];
    },
    prepare: ({ archives }) => archives.set(1010, Buffer.from("54 bytes that are no archive")),
  },
  {
    name: "slow-log",
    jobs: () => [aJob({ script: ["for i in 1 2 3 4 5 6; do echo tick $i; sleep 0; done"] })],
    shorter: [["sleep 1;", "sleep 0;"]],
  },
  {
    name: "timeout-2s",
    jobs: () => [aJob({ script: ["echo waiting", "sleep 30"], timeoutMs: 1_000 })],
    shorter: [["longer than 2s seconds", "longer than 1s seconds"]],
  },
  {
    // It was canceled with the answer to its last slice, when it had ended.
    name: "canceled",
    jobs: () => [aJob({ script: ["echo waiting", "sleep 0"] })],
    shorter: [["sleep 30", "sleep 0"]],
  },
  {
    name: "cache-push",
    jobs: () => {
      // The recorded cache was there already, and held nothing.
      const first = aJob({ script: ["mkdir -p empty/node_modules"], caches: [{ ...cache, paths: ["empty"] }] });
      return [first, aJob({ script: makesCache, caches: [cache] })];
    },
  },
  {
    name: "cache-pull",
    jobs: () => [
      aJob({ script: makesCache, caches: [cache] }),
      aJob({ script: ["cat node_modules/lib.js"], caches: [{ ...cache, policy: "pull" }] }),
    ],
  },
];

function gitJob({ url, sha }: Repository, strategy: string, line: string): Job {
  return aJob({ script: [line], git: { repositoryUrl: url, sha }, variables: { GIT_STRATEGY: strategy } });
}

/** What is recorded is as GitLab's runner 15.4 said it; `asToday` lists what a later version says otherwise. */
describe("job logs beside those of GitLab's runner 15.4", () => {
  let bench: JobBench;
  let repository: Repository;

  before(async () => {
    bench = await createJobBench();
    repository = aRepository(path.join(bench.directory, "repository"));
  });

  after(() => bench[Symbol.asyncDispose]());

  for (const recording of recordings) {
    test(recording.name, async () => {
      const directory = (kind: string) => path.join(bench.directory, `${kind}-${recording.name}`);
      const runner = { buildsDir: directory("builds"), cacheDir: directory("cache") };
      const store = anArtifactStore();
      recording.prepare?.(store);
      const { client } = store;
      let log = "";
      for (const job of recording.jobs(repository)) log = (await bench.run(job, { runner, client })).log;
      const file = new URL(`fixtures/official-runner-15.4/${recording.name}.log`, import.meta.url);
      const recorded = comparable(await readFile(file, "utf8"), "168895d3", "vm");
      assert.equal(comparable(log, repository.sha.slice(0, 8), hostname()), asToday(recorded, recording));
    });
  }
});

/** Without what differs from run to run: times, machines, directories, commits, tokens, whether git-lfs is installed. */
function comparable(log: string, commit: string, host: string): string {
  return (
    log
      .replace(/section_(start|end):\d+:/g, "section_$1:TIME:")
      .replaceAll(`Running on ${host}...`, "Running on HOST...")
      .replace(/(existing|empty) Git repository in \S+/g, "$1 Git repository in DIRECTORY")
      // What bash says of a command that was killed under it depends on bash.
      .replace(/^Terminated\n/m, "")
      // §3.5, step 10: git-lfs says an empty line.
      .replace(/(Checking out .*\n)\n/, "$1")
      .replaceAll(commit, "COMMIT")
      .replaceAll(commit.slice(0, 7), "COMMIT")
      .replace(/ id(\S*)=\d+ /g, " id$1=ID ")
      .replace(/ token(\S*)=\S+/g, " token$1=TOKEN")
  );
}

/** A recording as this version says it, each difference with its rule in runner-protocol.md. */
function asToday(recorded: string, { exitCode = 1, shorter = [] }: Recording): string {
  const cleanup =
    "section_start:TIME:cleanup_file_variables\r\x1b[0K\x1b[0K\x1b[36;1mCleaning up project directory and file based " +
    "variables\x1b[0;m\x1b[0;m\nsection_end:TIME:cleanup_file_variables\r\x1b[0K";
  const flags = "\x1b[0K  feature flags: FF_TIMESTAMPS:false\x1b[0;m\n";
  const warning = "\x1b[0;33mWARNING: after_script failed, but job will continue unaffected: exit status 1\x1b[0;m\n";
  const timeout =
    "\x1b[0;33mWARNING: step_script could not run to completion because the timeout was exceeded. For more control over " +
    "job and script timeouts see: " +
    "https://docs.gitlab.com/ci/runners/configure_runners/#set-script-and-after_script-timeouts\x1b[0;m\n";
  return (
    shorter
      .reduce((text, [before, here]) => text.replaceAll(before, here), recorded)
      .replace("development version (HEAD)", "19.4.0 (d79f3e7b)")
      // §2.4.3: the system id, and flags that were changed.
      .replace("  on x glrt-x\x1b[0;m\n", `  on my-runner abc123def, system ID: s_0123456789ab\x1b[0;m\n${flags}`)
      // §2.4.5
      .replace("Using Shell executor...", "Using Shell (bash) executor...")
      // §3.5
      .replace("COMMIT as main...\x1b[0;m\n", "COMMIT as detached HEAD (ref is main)...\x1b[0;m\n")
      // There is no process of a helper program that could tell of itself.
      .replace(/Runtime platform .*\n/g, "")
      // §3.8
      .replace(/matching files and directories */g, "matching artifact files and directories")
      // §2.3
      .replace("section_end:TIME:after_script\r\x1b[0K", (end) => `${end}${warning}`)
      // §3.9: there is always something to clean up.
      .replace(cleanup, "")
      .replace("\x1b[32;1mJob succeeded", (ending) => `${cleanup}${ending}`)
      .replace("\x1b[31;1mERROR: Job failed: exit", (ending) => `${cleanup}${ending}`)
      // §2.2: a stage that a deadline ended says so.
      .replace("\x1b[31;1mERROR: Job failed: execution took", (ending) => `${timeout}${ending}`)
      // §2.6, §2.4.1: the exit code is the script's, and the colour ends before the line does.
      .replace("exit status 1\n\x1b[0;m\n", `exit status ${exitCode}\x1b[0;m\n`)
      .replace("seconds\n\x1b[0;m\n", "seconds\x1b[0;m\n")
  );
}
