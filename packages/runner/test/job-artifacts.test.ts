import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { fromBufferPromise } from "yauzl";
import { collectFiles } from "../src/archive/collect-files.ts";
import { createZipStream } from "../src/archive/write-zip.ts";
import type { ArtifactSet, JobDependency } from "../src/coordinator-client/job.ts";
import { aJob } from "./support/a-job.ts";
import { anArtifactStore } from "./support/an-artifact-store.ts";
import { createJobBench, type JobBench } from "./support/run-a-job.ts";

const set: ArtifactSet = {
  name: "",
  includesUntracked: false,
  paths: ["out/"],
  exclude: [],
  when: "on_success",
  type: "archive",
  format: "zip",
  expireIn: "",
};

describe("the artifacts of a job", () => {
  let bench: JobBench;

  before(async () => {
    bench = await createJobBench();
  });

  after(() => bench[Symbol.asyncDispose]());

  const makesFiles = ["mkdir -p out", "echo one > out/a.xml", "echo two > out/b.txt"];
  const empty = { GIT_STRATEGY: "empty" };

  test("the archive goes to the job with its name, format and time to live", async () => {
    const store = anArtifactStore();
    const wish = { ...set, name: `$CI_JOB_NAME-\${KIND:-x}/$HANDED_ON`, expireIn: "1 week", exclude: ["**/*.txt"] };
    const script = [...makesFiles, "echo HANDED_ON=later >> $GITLAB_ENV"];
    const job = aJob({ script, artifacts: [wish], variables: { ...empty, CI_JOB_NAME: "build" } });
    const { verdict } = await bench.run(job, { client: store.client });
    assert.deepEqual(verdict, { state: "success" });
    const [upload] = store.uploads;
    assert.ok(upload);
    assert.equal(upload.filename, "later.zip");
    assert.deepEqual(upload.job, { id: job.id, jobToken: job.jobToken });
    assert.equal(upload.expireIn, "1 week");
    assert.deepEqual(await namesIn(upload.content), ["out/", "out/a.xml"]);
  });

  test("reports go as gzip, single files as they are", async () => {
    const store = anArtifactStore();
    const artifacts = [
      { ...set, paths: ["out/*.xml"], type: "junit", format: "gzip" },
      { ...set, name: "page", paths: ["out/b.txt"], type: "trace", format: "raw" },
    ];
    const { text } = await bench.run(aJob({ script: makesFiles, artifacts, variables: empty }), {
      client: store.client,
    });
    const [junit, raw] = store.uploads;
    assert.ok(junit && raw);
    assert.deepEqual([junit.filename, junit.type, junit.format], ["artifacts.gz", "junit", "gzip"]);
    assert.equal(gunzipSync(junit.content).toString(), "one\n");
    assert.deepEqual([raw.filename, raw.content.toString()], ["page", "two\n"]);
    assert.match(
      text,
      /Uploading artifacts as "junit" to coordinator\.\.\. 201 Created {2}id=42 responseStatus=201 Created token=\S+\n/,
    );
  });

  /** Source: runner-protocol.md §1.12, §3.8. */
  const archives = [
    { format: "", filename: "artifacts.zip", magic: "504b0304" },
    { format: "zipzstd", filename: "artifacts.zip", magic: "504b0304" },
    { format: "tarzstd", filename: "artifacts.tar.zst", magic: "28b52ffd" },
  ];
  test("what is archived in any format is there for a later job", async () => {
    const store = anArtifactStore();
    const artifacts = archives.map(({ format }) => ({ ...set, format }));
    await bench.run(aJob({ script: makesFiles, artifacts, variables: empty }), { client: store.client });
    assert.deepEqual(
      store.uploads.map(({ format, filename, content }) => ({
        format,
        filename,
        magic: content.toString("hex", 0, 4),
      })),
      archives,
    );
    for (const { content } of store.uploads) {
      store.archives.set(11, content);
      const job = aJob({ script: ["cat out/a.xml out/b.txt"], dependencies: [dependency], variables: empty });
      const { text } = await bench.run(job, { client: store.client });
      assert.match(text, /\none\ntwo\n/);
    }
  });

  test("with RUNNER_GENERATE_ARTIFACTS_METADATA an archive holds its provenance, without values and credentials", async () => {
    const store = anArtifactStore();
    const artifacts = [
      { ...set, name: "app" },
      { ...set, paths: ["out/a.xml"], type: "junit", format: "gzip" },
    ];
    const variables = { ...empty, RUNNER_GENERATE_ARTIFACTS_METADATA: "true", SECRET: "value" };
    const repositoryUrl = "https://user:word@gitlab.test/group/demo.git";
    const job = aJob({ name: "build", script: makesFiles, artifacts, variables, git: { repositoryUrl } });
    const { verdict, text } = await bench.run(job, { client: store.client });
    assert.equal(verdict.state, "success", text);
    const [archive, junit] = store.uploads;
    assert.ok(archive && junit);
    assert.deepEqual(await namesIn(archive.content), ["out/", "out/a.xml", "out/b.txt", "app-metadata.json"]);
    assert.equal(gunzipSync(junit.content).toString(), "one\n");
    const file = path.join(bench.directory, "builds/abc123def/0/group/demo-empty/app-metadata.json");
    const written = await readFile(file, "utf8");
    const statement = JSON.parse(written);
    assert.equal(statement._type, "https://in-toto.io/Statement/v0.1");
    assert.equal(statement.predicateType, "https://slsa.dev/provenance/v1");
    const digest = (content: string) => ({ sha256: createHash("sha256").update(content).digest("hex") });
    assert.deepEqual(statement.subject, [
      { name: "out/a.xml", digest: digest("one\n") },
      { name: "out/b.txt", digest: digest("two\n") },
    ]);
    const { buildDefinition, runDetails } = statement.predicate;
    assert.equal(buildDefinition.externalParameters.entryPoint, "build");
    assert.equal(buildDefinition.externalParameters.source, "https://gitlab.test/group/demo.git");
    assert.equal(buildDefinition.externalParameters.variables.SECRET, "");
    assert.deepEqual(buildDefinition.resolvedDependencies[0].digest, { sha256: job.git.sha });
    assert.equal(runDetails.metadata.invocationId, "42");
    assert.match(runDetails.metadata.startedOn, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    for (const secret of ["value", "user:word", job.jobToken]) assert.equal(written.includes(secret), false, secret);
  });

  test("what is uploaded depends on how the job went", async () => {
    const artifacts = (["on_success", "on_failure", "always"] as const).map((when) => ({ ...set, when, name: when }));
    for (const [last, names] of [
      ["true", ["on_success.zip", "always.zip"]],
      ["false", ["on_failure.zip", "always.zip"]],
    ] as const) {
      const store = anArtifactStore();
      await bench.run(aJob({ script: [...makesFiles, last], artifacts, variables: empty }), { client: store.client });
      assert.deepEqual(
        store.uploads.map(({ filename }) => filename),
        names,
      );
    }
  });

  test("nothing to upload fails nothing", async () => {
    const store = anArtifactStore();
    const { verdict, text } = await bench.run(aJob({ artifacts: [set], variables: empty }), { client: store.client });
    assert.equal(verdict.state, "success");
    assert.match(text, /ERROR: No files to upload/);
    assert.equal(store.uploads.length, 0);
  });

  /** Source: runner-protocol.md §1.12. */
  const answers = [
    { status: 403, says: "FATAL: permission denied" },
    { status: 413, says: "FATAL: too large" },
  ];
  for (const { status, says } of answers) {
    test(`an upload answered with ${status} is not repeated, fails the job and ends the stage`, async () => {
      const store = anArtifactStore();
      store.uploadStatuses.push(...Array.from({ length: 10 }, () => status));
      const job = aJob({ script: makesFiles, artifacts: [set, set], variables: empty });
      const { verdict, text } = await bench.run(job, { client: store.client });
      assert.equal(verdict.state === "failed" && verdict.failureReason, "script_failure");
      assert.equal(10 - store.uploadStatuses.length, 1);
      assert.ok(text.includes(says), text);
    });
  }

  test("an upload that failed for now is repeated", async () => {
    const store = anArtifactStore();
    store.uploadStatuses.push(500);
    const { verdict, text } = await bench.run(aJob({ script: makesFiles, artifacts: [set], variables: empty }), {
      client: store.client,
    });
    assert.equal(verdict.state, "success");
    assert.match(text, /WARNING: Retrying\.\.\. +context=artifacts-uploader error=answered 500\n/);
    assert.equal(store.uploads.length, 1);
  });

  test("an unsuccessful upload does not hide why the job failed", async () => {
    const store = anArtifactStore();
    store.uploadStatuses.push(403);
    const artifacts = [{ ...set, when: "always" as const }];
    const { verdict } = await bench.run(aJob({ script: [...makesFiles, "exit 7"], artifacts, variables: empty }), {
      client: store.client,
    });
    assert.equal(verdict.state === "failed" && verdict.exitCode, 7);
  });

  const dependency: JobDependency = {
    jobId: 11,
    jobToken: "glcbt-64_of-the-other",
    name: "build",
    artifactsFile: { filename: "artifacts.zip", sizeBytes: 1 },
  };

  async function anArchive(): Promise<Buffer> {
    const directory = path.join(bench.directory, "archived");
    await mkdir(path.join(directory, "bin"), { recursive: true });
    await writeFile(path.join(directory, "bin/app"), "#!/bin/sh\necho app\n", { mode: 0o755 });
    const selection = { directory, paths: ["bin"], exclude: [], includesUntracked: false, environment: {} };
    const report = { info() {}, warning() {} };
    const files = await collectFiles({ ...selection, report, signal: new AbortController().signal });
    return buffer(await createZipStream({ directory, files, level: "default" }));
  }

  test("the artifacts of earlier jobs are there, downloaded with their own tokens", async () => {
    const store = anArtifactStore();
    store.archives.set(11, await anArchive());
    const job = aJob({ script: ["bin/app"], dependencies: [dependency], variables: empty });
    const { verdict, text } = await bench.run(job, { client: store.client });
    assert.equal(verdict.state, "success", text);
    assert.match(text, /Downloading artifacts for build \(11\)\.\.\.\n/);
    assert.match(
      text,
      /Downloading artifacts from coordinator\.\.\. ok +id=11 responseStatus=200 OK token=64_of-the\n/,
    );
    assert.match(text, /\napp\n/);
    assert.deepEqual(store.downloads, [{ job: { id: 11, jobToken: dependency.jobToken }, allowsDirectDownload: true }]);
  });

  /** Source: runner-protocol.md §1.12. */
  const refusals = [
    { status: 404, says: "FATAL: file does not exist" },
    { status: 403, says: "FATAL: permission denied" },
    { status: 401, says: "FATAL: permission denied" },
  ];
  for (const { status, says } of refusals) {
    test(`a download answered with ${status} fails the job before its script`, async () => {
      const store = anArtifactStore();
      store.archives.set(11, await anArchive());
      store.downloadStatuses.push(status);
      const job = aJob({ script: ["echo never"], dependencies: [dependency], variables: empty });
      const { verdict, text } = await bench.run(job, { client: store.client });
      assert.equal(verdict.state === "failed" && verdict.failureReason, "script_failure");
      assert.ok(text.includes(says), text);
      assert.equal(text.includes("never"), false);
    });
  }

  test("a download that failed is repeated without asking for a redirect", async () => {
    const store = anArtifactStore();
    store.archives.set(11, await anArchive());
    store.downloadStatuses.push(500);
    const job = aJob({ script: ["bin/app"], dependencies: [dependency], variables: empty });
    const { verdict } = await bench.run(job, { client: store.client });
    assert.equal(verdict.state, "success");
    assert.deepEqual(
      store.downloads.map(({ allowsDirectDownload }) => allowsDirectDownload),
      [true, false],
    );
  });

  for (const [what, bytes, says] of [
    ["no archive", Buffer.from("text"), "FATAL: zip: not a valid zip file"],
    ["a gzip file", Buffer.from([0x1f, 0x8b, 0, 0, 0]), "FATAL: no extractor for archives of format gzip"],
  ] as const) {
    test(`a download that is ${what} fails the job`, async () => {
      const store = anArtifactStore();
      store.archives.set(11, bytes);
      const { verdict, text } = await bench.run(aJob({ dependencies: [dependency], variables: empty }), {
        client: store.client,
      });
      assert.equal(verdict.state, "failed");
      assert.ok(text.includes(says), text);
    });
  }
});

describe("the caches of a job", () => {
  let bench: JobBench;

  before(async () => {
    bench = await createJobBench();
  });

  after(() => bench[Symbol.asyncDispose]());

  const cache = {
    key: "$CI_JOB_NAME",
    includesUntracked: false,
    paths: ["deps/"],
    when: "on_success",
    policy: "pull-push",
    fallbackKeys: [],
  } as const;
  const variables = { GIT_STRATEGY: "empty", CI_JOB_NAME: "one" };
  const makes = ["mkdir -p deps", "echo lib > deps/lib"];

  test("what one job saves another finds, by the local layout of runner-protocol.md §3.3", async () => {
    const saved = await bench.run(aJob({ script: makes, caches: [cache], variables }));
    assert.match(saved.text, /Creating cache one\.\.\.[\s\S]*Created cache\n/);
    const found = await bench.run(aJob({ script: ["cat deps/lib"], caches: [cache], variables }));
    assert.match(found.text, /Checking cache for one\.\.\.[\s\S]*Successfully extracted cache\n[\s\S]*\nlib\n/);
    assert.match(found.text, /Archive is up to date!/);
    const directory = path.join(bench.directory, "cache/group/demo-empty/one");
    assert.deepEqual(JSON.parse(await readFile(path.join(directory, "metadata.json"), "utf8")), { cachekey: "one" });
  });

  test("fallback keys are tried in order, CACHE_FALLBACK_KEY last", async () => {
    const other = { ...cache, key: "missing", fallbackKeys: ["also-missing", "$CI_JOB_NAME"] };
    const { text } = await bench.run(
      aJob({ script: ["cat deps/lib"], caches: [{ ...other, policy: "pull" }], variables }),
    );
    assert.match(
      text,
      /for missing\.\.\.[\s\S]*for also-missing\.\.\.[\s\S]*for one\.\.\.[\s\S]*Successfully extracted cache\n/,
    );
    const fallback = { ...variables, CACHE_FALLBACK_KEY: "one" };
    const last = await bench.run(aJob({ caches: [{ ...cache, key: "missing", policy: "pull" }], variables: fallback }));
    assert.match(last.text, /for missing\.\.\.[\s\S]*for one\.\.\.[\s\S]*Successfully extracted cache\n/);
    const refused = { ...variables, CACHE_FALLBACK_KEY: "one-protected" };
    const none = await bench.run(aJob({ caches: [{ ...cache, key: "missing", policy: "pull" }], variables: refused }));
    assert.match(none.text, /CACHE_FALLBACK_KEY "one-protected" not allowed to end in "-protected"\n/);
  });

  test("policies and conditions decide what is done", async () => {
    const push = await bench.run(
      aJob({ script: makes, caches: [{ ...cache, policy: "$POLICY" }], variables: { ...variables, POLICY: "push" } }),
    );
    assert.match(push.text, /Not downloading cache one due to policy\n/);
    const pull = await bench.run(aJob({ script: makes, caches: [{ ...cache, policy: "pull" }], variables }));
    assert.match(pull.text, /Not uploading cache one due to policy\n/);
    const failing = [...makes, "false"];
    const onSuccess = await bench.run(aJob({ script: failing, caches: [cache], variables }));
    assert.equal(onSuccess.text.includes("Saving cache"), false);
    const onFailure = await bench.run(aJob({ script: failing, caches: [{ ...cache, when: "on_failure" }], variables }));
    assert.match(onFailure.text, /Saving cache for failed job\n/);
  });

  test("a policy of no meaning fails the job", async () => {
    const { verdict } = await bench.run(aJob({ caches: [{ ...cache, policy: "sometimes" }], variables }));
    assert.equal(verdict.state === "failed" && verdict.message, "unknown cache policy sometimes for one");
  });

  test("a damaged cache is said to be one and fails nothing", async () => {
    await writeFile(path.join(bench.directory, "cache/group/demo-empty/one/cache.zip"), "damaged");
    const { verdict, text } = await bench.run(
      aJob({ script: ["ls -A"], caches: [{ ...cache, policy: "pull" }], variables }),
    );
    assert.equal(verdict.state, "success");
    assert.match(text, /FATAL: zip: not a valid zip file[\s\S]*Failed to extract cache\n/);
  });

  test("a key that leads outside is made safe, one that is nothing is left out", async () => {
    const outside = await bench.run(aJob({ script: makes, caches: [{ ...cache, key: "../../x" }], variables }));
    assert.match(outside.text, /cache key "..\/..\/x" sanitized to "x"\n/);
    const nothing = await bench.run(aJob({ script: makes, caches: [{ ...cache, key: ".." }], variables }));
    assert.match(nothing.text, /Skipping cache extraction due to empty cache key\n/);
    assert.match(nothing.text, /Skipping cache archiving due to empty cache key\n/);
  });
});

async function namesIn(archive: Buffer): Promise<string[]> {
  const zip = await fromBufferPromise(archive, { lazyEntries: true });
  const names: string[] = [];
  const ended = new Promise((resolve) => zip.once("end", resolve));
  zip.on("entry", (entry) => {
    names.push(entry.fileName);
    zip.readEntry();
  });
  zip.readEntry();
  await ended;
  return names;
}
