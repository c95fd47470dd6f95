import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { after, before, beforeEach, describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { collectFiles } from "../src/archive/collect-files.ts";
import { createZipStream } from "../src/archive/write-zip.ts";
import type { CoordinatorClient } from "../src/coordinator-client/coordinator-client.ts";
import type { RunHelper } from "../src/executors/executor.ts";
import { JobInterruption } from "../src/job/job-interruption.ts";
import { createHelperWorkspace } from "../src/workspace/helper-workspace.ts";
import { createInProcessWorkspace } from "../src/workspace/in-process-workspace.ts";
import type { TaskFacts, TaskName, Workspace, WorkspaceTasks } from "../src/workspace/workspace.ts";
import { aJob } from "./support/a-job.ts";
import { aClient } from "./support/a-runner.ts";
import { aTrace } from "./support/a-trace.ts";
import { helperAsProcess } from "./support/helper-as-process.ts";
import { createJobBench } from "./support/run-a-job.ts";
import { type ScriptableCoordinator, startScriptableCoordinator } from "./support/scriptable-coordinator.ts";

const implementations: { name: string; create: (client: CoordinatorClient) => Workspace }[] = [
  {
    name: "in this process",
    create: (client) =>
      createInProcessWorkspace({
        client,
        environment: { PATH: "/usr/bin:/bin", PLACE: "runner" },
        temporaryPrefix: "jobscope-test-",
      }),
  },
  {
    name: "in the helper program",
    create: (client) => createHelperWorkspace({ runHelper: helperAsProcess().runHelper, client }),
  },
];

for (const { name: where, create } of implementations) {
  describe(`file work ${where}`, () => {
    let coordinator: ScriptableCoordinator;
    let client: CoordinatorClient;
    let workspace: Workspace;
    let root: string;
    let project: string;
    let said: string[];
    let facts: TaskFacts;

    before(async () => {
      coordinator = await startScriptableCoordinator();
      client = aClient(coordinator.url);
      workspace = create(client);
    });

    beforeEach(async () => {
      if (root !== undefined) await rm(root, { recursive: true });
      root = await mkdtemp(path.join(tmpdir(), "jobscope-workspace-test-"));
      project = path.join(root, "project");
      await mkdir(project);
      said = [];
      facts = {};
    });

    after(async () => {
      await workspace[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
      await coordinator[Symbol.asyncDispose]();
      await rm(root, { recursive: true });
    });

    function perform<Name extends TaskName>(
      name: Name,
      request: WorkspaceTasks[Name]["request"],
      signal = new AbortController().signal,
    ) {
      const say =
        (level: string) =>
        (message: string, fields: object = {}) => {
          said.push(`${level}: ${message}${Object.keys(fields).length === 0 ? "" : ` ${JSON.stringify(fields)}`}`);
        };
      return workspace.perform(name, request, {
        report: { info: say("info"), warning: say("warning"), error: say("error") },
        onFacts: (more) => {
          facts = { ...facts, ...more };
        },
        signal,
      });
    }

    async function write(files: Readonly<Record<string, string>>): Promise<void> {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(root, name)), { recursive: true });
        await writeFile(path.join(root, name), text);
      }
    }

    const environment = () => ({ variables: { KIND: "x" }, handedOnFile: path.join(root, "handed-on") });
    const cache = () => ({
      ...environment(),
      projectDirectory: project,
      archiveDirectory: path.join(root, "cache/key"),
      key: "key",
      paths: ["deps-$KIND/"],
      includesUntracked: false,
      compressionLevel: "",
      compressionFormat: "",
    });

    test("what is saved of a cache is restored, and not saved again as long as nothing changes", async () => {
      await write({ "project/deps-x/lib": "lib\n", "project/other": "" });
      assert.deepEqual(await perform("save-cache", cache()), { kind: "saved" });
      const archive = path.join(root, "cache/key/cache.zip");
      const { size } = await stat(archive);
      assert.deepEqual(facts, { files: 2, bytes: size });
      assert.match(said.join("\n"), /^info: deps-x\/: found 2 matching artifact files and directories\ninfo: No URL/);
      await utimes(archive, Date.now() / 1000 + 60, Date.now() / 1000 + 60);
      assert.deepEqual(await perform("save-cache", cache()), { kind: "up-to-date" });
      await rm(project, { recursive: true });
      facts = {};
      assert.deepEqual(await perform("restore-cache", cache()), { kind: "restored" });
      assert.equal(await readFile(path.join(project, "deps-x/lib"), "utf8"), "lib\n");
      assert.deepEqual(facts, { files: 2, bytes: size });
    });

    test("a cache of nothing is not saved, and one that is not there not restored", async () => {
      assert.deepEqual(await perform("save-cache", cache()), { kind: "no-files" });
      assert.deepEqual(await perform("restore-cache", cache()), { kind: "missing" });
      assert.match(said.join("\n"), /warning: No files to cache\.[\s\S]*warning: Cache file does not exist$/);
    });

    test("an archive is brought to its store and fetched from there, and what that took is told", async () => {
      await write({ "project/deps-x/lib": "lib\n" });
      const request = { url: `${coordinator.url}/store/key?signature=s`, headers: { "x-amz-meta-cachekey": "key" } };
      const remote = { request, timeoutMs: 60_000, maxBytes: 0, proxyVariables: {} };
      coordinator.script("other", { status: 200 });
      assert.deepEqual(await perform("save-cache", { ...cache(), remote }), { kind: "saved" });
      const body = await readFile(path.join(root, "cache/key/cache.zip"));
      assert.deepEqual(facts, { files: 2, bytes: body.length, networkBytes: body.length, retries: 0 });
      const [put] = coordinator.callsOf("other").slice(-1);
      assert.deepEqual([put?.method, put?.body], ["PUT", body]);
      assert.equal(put?.headers["x-amz-meta-cachekey"], "key");
      await rm(path.join(root, "cache"), { recursive: true });
      facts = {};
      coordinator.script("other", { body, headers: { "last-modified": new Date(0).toUTCString() } });
      assert.deepEqual(await perform("restore-cache", { ...cache(), remote }), { kind: "restored" });
      assert.deepEqual(facts, { files: 2, bytes: body.length, networkBytes: body.length, retries: 0 });
      coordinator.script("other", { status: 403, body: "<Error><Code>AccessDenied</Code></Error>" });
      const refused = await perform("restore-cache", { ...cache(), remote });
      assert.ok(refused.kind === "unavailable" && refused.why.includes("403"), JSON.stringify(refused));
    });

    const artifacts = (changes: Partial<WorkspaceTasks["upload-artifacts"]["request"]["set"]> = {}) => ({
      ...environment(),
      projectDirectory: project,
      job: { id: 42, jobToken: "glcbt-64_job-token" },
      set: {
        name: "",
        includesUntracked: false,
        paths: ["out"],
        exclude: [],
        type: "archive",
        format: "zip",
        expireIn: "",
        ...changes,
      },
      compressionLevel: "",
    });

    test("artifacts are named by the job's variables, what it handed on and the place, and sent with its token", async () => {
      await write({ "project/out/a": "a", "project/out/b": "b", "handed-on": "LATER=now\n" });
      const set = { name: "$KIND-$LATER-$PLACE", exclude: ["out/b"], expireIn: "1 week" };
      assert.deepEqual(await perform("upload-artifacts", artifacts(set)), { kind: "uploaded" });
      const sent = coordinator.callsOf("upload").at(-1);
      assert.equal(sent?.headers["job-token"], "glcbt-64_job-token");
      assert.match(
        sent?.path ?? "",
        /\/jobs\/42\/artifacts\?artifact_format=zip&artifact_type=archive&expire_in=1\+week$/,
      );
      const place = where === "in this process" ? "runner" : "helper";
      assert.ok(sent?.body.includes(`filename="x-now-${place}.zip"`), sent?.body.toString("latin1").slice(0, 300));
      assert.equal(facts.filename, `x-now-${place}.zip`);
      assert.deepEqual([facts.files, facts.retries], [2, 0]);
      assert.ok(sent?.body.length !== undefined && (facts.bytes ?? 0) > 100 && sent.body.length > (facts.bytes ?? 0));
      assert.equal(
        said.at(-1),
        'info: Uploading artifacts as "archive" to coordinator... 201 Created ' +
          '{"id":42,"responseStatus":"201 Created","token":"64_job-to"}',
      );
    });

    test("artifacts that match nothing are an error line and no failure", async () => {
      assert.deepEqual(await perform("upload-artifacts", artifacts()), { kind: "no-files" });
      assert.equal(said.at(-1), "error: No files to upload");
    });

    const dependency = () => ({
      projectDirectory: project,
      job: { id: 11, jobToken: "glcbt-64_of-the-other" },
      allowsDirectDownload: true,
    });

    test("the artifacts of an earlier job are extracted, asked for with its own token", async () => {
      await write({ "archived/bin/app": "#!/bin/sh\n" });
      const directory = path.join(root, "archived");
      const selection = { directory, paths: ["bin"], exclude: [], includesUntracked: false, environment: {} };
      const { signal } = new AbortController();
      const files = await collectFiles({ ...selection, report: { info() {}, warning() {} }, signal });
      const body = await buffer(await createZipStream({ directory, files, level: "default" }));
      coordinator.script("download", { body });
      assert.deepEqual(await perform("download-artifacts", dependency()), { kind: "extracted" });
      assert.equal(await readFile(path.join(project, "bin/app"), "utf8"), "#!/bin/sh\n");
      assert.deepEqual(facts, { files: 2, bytes: body.length, format: "zip", retries: 0 });
      assert.equal(coordinator.callsOf("download").at(-1)?.headers["job-token"], "glcbt-64_of-the-other");
    });

    const failures: readonly {
      name: string;
      prepare?: () => Promise<void> | void;
      task: () => Promise<unknown>;
      message: RegExp;
      facts?: TaskFacts;
    }[] = [
      {
        name: "a damaged cache",
        prepare: () => write({ "cache/key/cache.zip": "damaged" }),
        task: () => perform("restore-cache", cache()),
        message: /^zip: not a valid zip file$/,
      },
      {
        name: "a project directory that is a file",
        prepare: () => write({ "project/file": "" }),
        task: () => perform("make-directory", { directory: path.join(project, "file/below"), isEmptied: false }),
        message: /^ENOTDIR: not a directory, mkdir /,
      },
      {
        name: "an upload that is refused",
        prepare: () => {
          coordinator.script("upload", { status: 403 });
          return write({ "project/out/a": "a" });
        },
        task: () => perform("upload-artifacts", artifacts()),
        message: /^permission denied$/,
        facts: { filename: "artifacts.zip", files: 2 },
      },
      {
        name: "a raw artifact of two files",
        prepare: () => write({ "project/out/a": "a", "project/out/b": "b" }),
        task: () => perform("upload-artifacts", artifacts({ format: "raw" })),
        message: /^only one file can be sent as raw, found 2$/,
        facts: { filename: "artifacts", files: 3 },
      },
      {
        name: "artifacts that are not there",
        task: () => perform("download-artifacts", dependency()),
        message: /^file does not exist$/,
      },
      {
        name: "artifacts of a format without an extractor",
        prepare: () => coordinator.script("download", { body: Buffer.from([0x1f, 0x8b, 0, 0]) }),
        task: () => perform("download-artifacts", dependency()),
        message: /^no extractor for archives of format gzip$/,
        facts: { bytes: 4, retries: 0, format: "gzip" },
      },
    ];
    for (const failure of failures) {
      test(`${failure.name}: a failure that the job log can tell`, async () => {
        await failure.prepare?.();
        await assert.rejects(failure.task(), { code: "WORKSPACE_TASK_FAILED", message: failure.message });
        assert.deepEqual(facts, failure.facts ?? {});
      });
    }

    test("an upload that is aborted ends with the reason, and later tasks are done", async () => {
      await write({ "project/out/a": "a" });
      coordinator.script("upload", { misbehave: "hang" });
      const count = coordinator.callsOf("upload").length;
      const abort = new AbortController();
      const uploading = perform("upload-artifacts", artifacts(), abort.signal);
      await coordinator.waitFor("upload", (call) => coordinator.callsOf("upload").indexOf(call) === count);
      abort.abort(new Error("enough"));
      await assert.rejects(uploading, { message: "enough" });
      await assert.rejects(perform("upload-artifacts", artifacts(), abort.signal), { message: "enough" });
      assert.deepEqual(await perform("save-cache", cache()), { kind: "no-files" });
    });

    test("paths are removed inside their directory only, and never itself", async () => {
      await write({ "project/a/b": "", "project/keep": "", outside: "" });
      await symlink(path.join(root, "outside"), path.join(project, "link"));
      const paths = ["a", "../outside", ".", "link", "missing", ""];
      assert.deepEqual(await perform("remove-paths", { directory: project, paths }), { kind: "done" });
      assert.deepEqual((await readdir(project)).sort(), ["keep"]);
      assert.deepEqual((await readdir(root)).sort(), ["outside", "project"]);
    });

    test("a directory is made, or made empty", async () => {
      await write({ "project/old": "" });
      await perform("make-directory", { directory: project, isEmptied: false });
      assert.deepEqual(await readdir(project), ["old"]);
      await perform("make-directory", { directory: project, isEmptied: true });
      assert.deepEqual(await readdir(project), []);
    });

    test("what must not be left is cleaned up, and the rest stays", async () => {
      await write({
        "project/.git/config": "",
        "project/.git/index.lock": "",
        "project/.git/hooks/post-checkout": "",
        "project/.git/refs/heads/main.lock": "",
        "project/.git/refs/heads/main": "",
        "project.tmp/SECRET": "s",
        "project.tmp/other": "",
      });
      const request = {
        projectDirectory: project,
        temporaryDirectory: `${project}.tmp`,
        temporaryFiles: ["SECRET", "missing"],
        removesProject: false,
        credentials: { url: "http://127.0.0.1:1", directory: root },
      };
      assert.deepEqual(await perform("clean-up", request), { kind: "done" });
      assert.deepEqual(await readdir(`${project}.tmp`), ["other"]);
      const left = await readdir(path.join(project, ".git"), { recursive: true });
      assert.deepEqual(left.sort(), ["config", "hooks", "refs", "refs/heads", "refs/heads/main"]);
      await perform("clean-up", { ...request, removesProject: true });
      assert.deepEqual((await readdir(root)).sort(), ["project.tmp"]);
    });
  });
}

describe("a job whose files only the helper program reaches", () => {
  test("has the log and the spans of one whose files are here", async () => {
    await using coordinator = await startScriptableCoordinator();
    coordinator.always("download", () => ({ body: Buffer.from("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==", "base64") }));
    await using client = aClient(coordinator.url);
    const cache = { key: "deps", includesUntracked: false, paths: ["out"], when: "always", policy: "" } as const;
    const set = {
      name: "",
      includesUntracked: false,
      paths: ["out"],
      exclude: [],
      when: "always",
      expireIn: "",
    } as const;
    const artifactsFile = { filename: "artifacts.zip", sizeBytes: 22 };
    const job = aJob({
      variables: { GIT_STRATEGY: "empty", SECRET: { value: "s", isFile: true } },
      script: ["mkdir -p out", "echo x > out/a", 'cat "$SECRET"'],
      caches: [{ ...cache, fallbackKeys: ["none"] }],
      dependencies: [{ jobId: 11, jobToken: "glcbt-64_other", name: "build", artifactsFile }],
      artifacts: [
        { ...set, type: "archive", format: "zip" },
        { ...set, paths: ["out/a"], type: "junit", format: "gzip" },
      ],
    });

    async function run(runHelper: RunHelper | undefined) {
      await using bench = await createJobBench(runHelper === undefined ? {} : { runHelper });
      const { jobTrace, spans } = aTrace();
      const { verdict, text } = await bench.run(job, { client, jobTrace, runner: { url: coordinator.url } });
      assert.deepEqual(verdict, { state: "success" }, text);
      assert.deepEqual(await readdir(path.join(bench.directory, "builds/abc123def/0/group/demo-empty.tmp")), []);
      const seen = spans.map(({ name, status, attributes }) => [
        name,
        status,
        Object.entries(attributes)
          .filter(([key]) => /^ci\.(?:artifact|cache|network|operation|resource)\./.test(key))
          .sort(),
      ]);
      return { text: text.replaceAll(bench.directory, "<bench>"), seen };
    }

    const helper = helperAsProcess();
    const there = await run(helper.runHelper);
    assert.equal(helper.started.length, 1);
    const here = await run(undefined);
    assert.deepEqual(there, here);
    assert.match(here.text, /Downloading artifacts from coordinator\.\.\. ok [\s\S]*Created cache\n[\s\S]*201 Created/);
  });
});

test("an aborted job leaves no file variables where only the helper program reaches them", async () => {
  const { runHelper } = helperAsProcess();
  await using bench = await createJobBench({ runHelper });
  const abort = new AbortController();
  const job = aJob({
    variables: { GIT_STRATEGY: "empty", SECRET: { value: "s", isFile: true } },
    script: ['cat "$SECRET" > copy', "echo now", "sleep 60"],
  });
  const { verdict } = await bench.run(job, {
    signal: abort.signal,
    onLog: (text) => {
      if (/^now$/m.test(text)) abort.abort(new JobInterruption("coordinator-cancel", "canceled"));
    },
  });
  assert.equal(verdict.state, "failed");
  const builds = path.join(bench.directory, "builds/abc123def/0/group");
  assert.equal(await readFile(path.join(builds, "demo-empty/copy"), "utf8"), "s");
  assert.deepEqual(await readdir(path.join(builds, "demo-empty.tmp")), []);
});

describe("the helper program", () => {
  const request = { directory: tmpdir(), isEmptied: false };
  const options = { report: { info() {}, warning() {}, error() {} }, signal: new AbortController().signal };
  const client = { artifactAccess: () => assert.fail("no artifacts are moved") };

  test("serves all tasks of a job, is started again when it is gone, and ends with the workspace", async () => {
    const helper = helperAsProcess();
    const workspace = createHelperWorkspace({ runHelper: helper.runHelper, client });
    await workspace.perform("make-directory", request, options);
    await workspace.perform("make-directory", request, options);
    assert.equal(helper.started.length, 1);
    const { child } = helper.started[0] ?? assert.fail();
    // The runner hears of it before what is scheduled after it.
    const gone = once(child, "close").then(() => setImmediate());
    child.kill("SIGKILL");
    await gone;
    await workspace.perform("make-directory", request, options);
    assert.equal(helper.started.length, 2);
    await workspace[Symbol.asyncDispose]();
    assert.deepEqual(
      helper.started.map(({ child: { exitCode } }) => exitCode),
      [null, 0],
    );
  });

  test("gets what is secret on its standard input only", async () => {
    await using coordinator = await startScriptableCoordinator();
    await using artifactClient = aClient(coordinator.url);
    const helper = helperAsProcess();
    await using workspace = createHelperWorkspace({ runHelper: helper.runHelper, client: artifactClient });
    const job = { id: 1, jobToken: "glcbt-64_secret" };
    const download = { projectDirectory: tmpdir(), job, allowsDirectDownload: false };
    await assert.rejects(workspace.perform("download-artifacts", download, options), {
      message: "file does not exist",
    });
    assert.equal(coordinator.callsOf("download")[0]?.headers["job-token"], job.jobToken);
    const pid = helper.started[0]?.child.pid;
    for (const file of ["cmdline", "environ"]) {
      const seen = await readFile(`/proc/${pid}/${file}`, "utf8");
      assert.notEqual(seen, "");
      assert.equal(seen.includes(job.jobToken), false, seen);
    }
  });

  const misfits = [
    {
      name: "that dies is named with what it said",
      command: ["/bin/sh", "-c", "read -r line; echo out of luck >&2; exit 9"],
      message: "the helper program ended with exit code 9 before its work was done: out of luck",
    },
    {
      name: "that is not there is told from one that fails",
      command: ["/bin/sh", "-c", "read -r line; exec /no/jobscope-helper 2> /dev/null"],
      message:
        "the helper program ended with exit code 127 before its work was done. " +
        'Was the image in helper_image made by "jobscope helper-image"?',
    },
    {
      name: "that never ends its line is not waited for",
      command: ["/bin/sh", "-c", "read -r line; exec tr '\\0' x < /dev/zero"],
      message: `the helper program failed: it said "${"x".repeat(200)}"`,
    },
    {
      name: "that is killed is named with the signal",
      command: ["/bin/sh", "-c", "read -r line; kill -9 $$"],
      message: "the helper program was ended by SIGKILL before its work was done",
    },
    {
      name: "of another kind is found out by what it says",
      command: ["/bin/sh", "-c", "read -r line; echo hello; read -r line"],
      message: 'the helper program failed: it said "hello"',
    },
  ];
  for (const { name, command, message } of misfits) {
    test(`one ${name}`, async () => {
      const { runHelper } = helperAsProcess(command);
      await using workspace = createHelperWorkspace({ runHelper, client, graceMs: 100 });
      await assert.rejects(workspace.perform("make-directory", request, options), { message });
    });
  }

  test("one that does not end when it should is killed", async () => {
    const helper = helperAsProcess(["/bin/sh", "-c", "read -r line; while :; do :; done"]);
    await using workspace = createHelperWorkspace({ runHelper: helper.runHelper, client, graceMs: 1 });
    const abort = new AbortController();
    const performing = workspace.perform("make-directory", request, { ...options, signal: abort.signal });
    abort.abort(new Error("enough"));
    await assert.rejects(performing, { message: "enough" });
    assert.equal(helper.started[0]?.child.signalCode, "SIGKILL");
  });

  test("ends by itself, its task undone, when the runner is gone", async () => {
    await using coordinator = await startScriptableCoordinator();
    await using artifactClient = aClient(coordinator.url);
    coordinator.script("download", { misbehave: "hang" });
    const helper = helperAsProcess();
    await using workspace = createHelperWorkspace({ runHelper: helper.runHelper, client: artifactClient });
    const download = { projectDirectory: tmpdir(), job: { id: 1, jobToken: "t" }, allowsDirectDownload: false };
    const performing = workspace.perform("download-artifacts", download, options);
    await coordinator.waitFor("download");
    helper.started[0]?.run.stdin.destroy();
    helper.started[0]?.child.stdin?.end();
    await assert.rejects(performing);
    await workspace[Symbol.asyncDispose]();
    assert.equal(helper.started[0]?.child.exitCode, 0);
  });

  test("refuses a runner of another protocol and tasks it does not know", async () => {
    const ask = async (line: object) => {
      const stdin = new PassThrough();
      const { promise: answer, resolve } = Promise.withResolvers<string>();
      const onStdout = (chunk: Uint8Array) => resolve(Buffer.from(chunk).toString());
      const run = { args: ["tasks"], stdin, onStdout, onStderr: () => assert.fail() };
      const ended = helperAsProcess().runHelper(run, options);
      stdin.write(`${JSON.stringify(line)}\n`);
      const said = await answer;
      stdin.end();
      assert.deepEqual(await ended, { kind: "exited", exitCode: 0 });
      return said;
    };
    const newer = await ask({ protocol: 99, task: "make-directory", request });
    assert.match(newer, /"kind":"failed","message":"the helper program speaks protocol 1, the runner 99: use/);
    const unknown = await ask({ protocol: 1, task: "toString", request });
    assert.match(unknown, /"kind":"failed","message":"the helper program knows no task toString"/);
  });
});
