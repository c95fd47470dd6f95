import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { ArtifactSet } from "../src/coordinator-client/job.ts";
import { JobInterruption } from "../src/job/job-interruption.ts";
import { aJob, type JobWishes } from "./support/a-job.ts";
import { aRepository } from "./support/a-repository.ts";
import { aTrace } from "./support/a-trace.ts";
import { anArtifactStore } from "./support/an-artifact-store.ts";
import { createJobBench, type JobBench, type RunOptions } from "./support/run-a-job.ts";

const artifactSet: ArtifactSet = {
  name: "",
  includesUntracked: false,
  paths: ["deps"],
  exclude: [],
  when: "always",
  type: "archive",
  format: "zip",
  expireIn: "",
};
const cache = { includesUntracked: false, paths: ["deps"], when: "on_success", policy: "", fallbackKeys: [] } as const;

describe("the spans of a job", () => {
  let bench: JobBench;

  before(async () => {
    bench = await createJobBench();
  });

  after(() => bench[Symbol.asyncDispose]());

  async function trace(
    wishes: JobWishes,
    options: Parameters<typeof aTrace>[0] & Pick<RunOptions, "signal" | "runner"> = {},
  ) {
    const recorded = aTrace(options);
    const store = anArtifactStore();
    const { commandSpans = false, signal, runner = {} } = options;
    const result = await bench.run(aJob(wishes), {
      jobTrace: recorded.jobTrace,
      client: store.client,
      commandSpans,
      runner,
      ...(signal === undefined ? {} : { signal }),
    });
    return { ...recorded, ...result };
  }

  test("stages that had nothing to do have none", async () => {
    const { spans, jobTrace } = await trace({ script: ["true"] });
    assert.deepEqual(
      spans.map(({ name }) => name),
      ["prepare_executor", "prepare_script", "get_sources", "step_script", "cleanup_file_variables"],
    );
    assert.ok(spans.every(({ parentSpanId, status }) => parentSpanId === jobTrace.spanId && status === "ok"));
  });

  test("there is one for each cache entry and each set of artifacts, with what it moved", async () => {
    const { named } = await trace({
      variables: { GIT_STRATEGY: "empty" },
      script: ["mkdir deps", "echo lib > deps/lib"],
      caches: [
        { ...cache, key: "first" },
        { ...cache, key: "second", policy: "pull" },
      ],
      artifacts: [artifactSet, { ...artifactSet, type: "junit", format: "gzip" }],
    });
    assert.deepEqual(
      named("restore_cache").map(({ attributes }) => [attributes["ci.cache.key"], attributes["ci.cache.hit"]]),
      [
        ["first", false],
        ["second", false],
      ],
    );
    const [saved, skipped] = named("archive_cache");
    assert.ok(saved && skipped);
    assert.equal(saved.attributes["ci.cache.files"], 2);
    assert.ok(Number(saved.attributes["ci.cache.size_bytes"]) > 100);
    assert.equal(saved.attributes["ci.cache.policy"], "pull-push");
    assert.equal(skipped.attributes["ci.cache.skipped"], true);
    assert.equal(skipped.attributes["ci.stage.status"], "skipped");
    const uploads = named("upload_artifacts");
    assert.deepEqual(
      uploads.map(({ attributes }) => [attributes["ci.artifact.type"], attributes["ci.artifact.format"]]),
      [
        ["archive", "zip"],
        ["junit", "gzip"],
      ],
    );
    assert.equal(uploads[0]?.attributes["ci.stage.name"], "upload_artifacts_on_success");
    assert.ok(Number(uploads[0]?.attributes["ci.artifact.size_bytes"]) > 100);
  });

  test("a fallback key that hit is named", async () => {
    const variables = { GIT_STRATEGY: "empty" };
    await trace({ variables, script: ["mkdir deps"], caches: [{ ...cache, key: "known" }] });
    const { named } = await trace({
      variables,
      caches: [{ ...cache, key: "new", policy: "pull", fallbackKeys: ["known"] }],
    });
    const [restored] = named("restore_cache");
    assert.equal(restored?.attributes["ci.cache.hit"], true);
    assert.equal(restored?.attributes["ci.cache.fallback_key"], "known");
  });

  test("a script that failed has its exit code and the job's failure reason", async () => {
    const { named } = await trace({ script: ["exit 5"], afterScript: ["exit 6"] });
    const [script] = named("step_script");
    assert.equal(script?.status, "error");
    assert.equal(script?.attributes["ci.stage.exit_code"], 5);
    assert.equal(script?.attributes["error.type"], "script_failure");
    const [afterScript] = named("after_script");
    assert.equal(afterScript?.status, "error");
    assert.equal(afterScript?.attributes["ci.stage.exit_code"], 6);
  });

  test("what a script used is measured", async () => {
    const { named } = await trace({ script: ["i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"] });
    const [script] = named("step_script");
    assert.ok(Number(script?.attributes["ci.stage.cpu_time_s"]) > 0);
    assert.ok(Number(script?.attributes["ci.stage.memory_peak_bytes"]) > 1_000_000);
  });

  test("a stage that was interrupted is canceled, later ones do not appear", async () => {
    const abort = new AbortController();
    const recorded = aTrace();
    await bench.run(aJob({ script: ["echo begun", "sleep 600"], afterScript: ["true"], artifacts: [artifactSet] }), {
      jobTrace: recorded.jobTrace,
      signal: abort.signal,
      onLog: (text) => {
        if (text.includes("begun\n")) abort.abort(new JobInterruption("coordinator-abort", "canceled"));
      },
    });
    assert.equal(recorded.named("step_script")[0]?.attributes["ci.stage.status"], "canceled");
    assert.deepEqual(recorded.spans.at(-1)?.name, "step_script");
  });

  test("each attempt at the sources has its own", { timeout: 30_000 }, async () => {
    const variables = {
      GIT_STRATEGY: "fetch",
      GET_SOURCES_ATTEMPTS: "2",
      FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY: "false",
    };
    const { named } = await trace({ variables, git: { repositoryUrl: "/nowhere.git" } });
    assert.deepEqual(
      named("get_sources").map(({ attributes, status }) => [attributes["ci.stage.attempt"], status]),
      [
        [1, "error"],
        [2, "error"],
      ],
    );
  });

  for (const shell of ["bash", "sh"] as const) {
    test(`the sources say what git did and how much it received (${shell}), and the log is as without`, async () => {
      // More objects than git unpacks: the pack is kept as it came, and its size is the number.
      const files = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`file-${index}`, randomUUID()]));
      const repository = aRepository(path.join(bench.directory, `repository-${shell}`), files);
      const git = { repositoryUrl: repository.url, sha: repository.sha, depth: 5 };
      const variables = { GIT_STRATEGY: "clone", GIT_FETCH_EXTRA_FLAGS: "--prune --quiet --filter=tree:9" };
      const runner = { shell, buildsDir: path.join(bench.directory, `builds-${shell}`) };
      const traced = await trace({ variables, git }, { runner });
      const [sources] = traced.named("get_sources");
      assert.equal(sources?.attributes["ci.git.operation"], "clone");
      assert.equal(sources?.attributes["ci.git.depth"], 5);
      assert.equal(sources?.attributes["ci.git.submodules"], "none");
      assert.equal(sources?.attributes["ci.git.filter"], "tree:9");
      const packs = path.join(runner.buildsDir, "abc123def/0/project-7/.git/objects/pack");
      const [pack] = (await readdir(packs)).filter((name) => name.endsWith(".pack"));
      const { size } = await stat(path.join(packs, pack ?? ""));
      assert.equal(sources?.attributes["ci.git.received_bytes"], size);
      assert.equal(sources?.attributes["ci.network.rx_bytes"], size);
      const untraced = await bench.run(aJob({ variables, git }), { runner });
      assert.equal(traced.text, untraced.text);
    });
  }

  test("sections that the job's log opens are spans below the script, each in its place", async () => {
    const start = (name: string) =>
      `printf 'section_start:%s:${name}[collapsed=true]\\r\\033[0K%s\\n' "$(date +%s)" title`;
    const end = (name: string) => `printf 'section_end:%s:${name}\\r\\033[0K' "$(date +%s)"`;
    const { named } = await trace({ script: [start("outer"), start("inner"), end("inner"), end("outer")] });
    const [script] = named("step_script");
    const byName = new Map(named("section").map((span) => [span.attributes["ci.section.name"], span]));
    const [outer, inner] = [byName.get("outer"), byName.get("inner")];
    assert.equal(outer?.parentSpanId, script?.spanId);
    assert.equal(inner?.parentSpanId, outer?.spanId);
  });

  test("each script line has one where the policy wants it, and the log stays as it is", async () => {
    const script = [
      "export A=1",
      "(exit 3) || echo $A",
      "sleep 600 > /dev/null 2>&1 &\necho two",
      "cd /; rm -rf x; exit 9",
    ];
    const plain = await trace({ script });
    const traced = await trace({ script }, { commandSpans: true });
    assert.equal(withoutTimes(traced.log), withoutTimes(plain.log));
    assert.deepEqual(plain.named("command"), []);
    assert.deepEqual(
      traced
        .named("command")
        .map(({ attributes }) => [attributes["ci.command.text"], attributes["ci.command.exit_code"]]),
      script.map((text, index) => [text, index === 3 ? 9 : 0]),
    );
    assert.deepEqual(traced.verdict, plain.verdict);
  });

  test("a script whose directory for marks is gone runs on", async () => {
    const { verdict, text } = await trace(
      { script: ['rm -rf "$CI_PROJECT_DIR.tmp"', "echo on"] },
      { commandSpans: true },
    );
    assert.equal(verdict.state, "success");
    assert.match(text, /\non\n/);
    assert.equal(text.includes("No such file"), false);
  });

  test("processes of a script find the span they run in, unless the job says another", async () => {
    const { text, jobTrace, named } = await trace({
      script: ["echo $TRACEPARENT"],
      afterScript: ["echo $TRACEPARENT"],
    });
    const parents = text.match(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/gm);
    const spanIds = [named("step_script")[0]?.spanId, named("after_script")[0]?.spanId];
    assert.deepEqual(
      parents,
      spanIds.map((spanId) => `00-${jobTrace.traceId}-${spanId}-01`),
    );
    const own = await trace({ script: ["echo $TRACEPARENT"], variables: { TRACEPARENT: "mine" } });
    assert.match(own.text, /\nmine\n/);
    const untraced = await bench.run(aJob({ script: ["echo [$TRACEPARENT]"] }));
    assert.match(untraced.text, /\n\[\]\n/);
  });
});

function withoutTimes(log: string): string {
  return log.replace(/section_(start|end):\d+/g, "section_$1");
}
