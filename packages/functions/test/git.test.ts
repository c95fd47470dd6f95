import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";
import { promisify } from "node:util";
import { createFunctionSources, createLocalProcesses } from "../src/index.ts";
import { GitServer } from "./git-server.ts";
import { functionFile, JobFixture, shellFunction } from "./job-fixture.ts";

const run = promisify(execFile);

/** A job, and a repository `group/fns.git` behind a real server. */
class GitFixture implements AsyncDisposable {
  readonly job: JobFixture;
  readonly server: GitServer;
  readonly #resources: AsyncDisposableStack;

  private constructor(job: JobFixture, server: GitServer, resources: AsyncDisposableStack) {
    this.job = job;
    this.server = server;
    this.#resources = resources;
  }

  static async create(): Promise<GitFixture> {
    const resources = new AsyncDisposableStack();
    const job = resources.use(await JobFixture.create());
    await mkdir(join(job.root, "repos/group"), { recursive: true });
    const server = resources.use(await GitServer.start(join(job.root, "repos")));
    const fixture = new GitFixture(job, server, resources);
    await fixture.git("init", "--quiet", "--initial-branch=main");
    return fixture;
  }

  get tree(): string {
    return join(this.job.root, "repos/group/fns");
  }

  get reference(): string {
    return `http://${this.server.host}/group/fns/.git`;
  }

  async git(...args: string[]): Promise<string> {
    await mkdir(this.tree, { recursive: true });
    const identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always"];
    return (await run("git", [...identity, ...args], { cwd: this.tree })).stdout.trim();
  }

  /** Commits files. @returns the commit id. */
  async commit(files: Readonly<Record<string, string>>): Promise<string> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(this.tree, path)), { recursive: true });
      await writeFile(join(this.tree, path), content);
    }
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--message=x");
    return await this.git("rev-parse", "HEAD");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

const say = (word: string) => shellFunction(`echo ${word}`);

suite("functions from Git (ci-functions.md §2.4)", () => {
  test("short references look below steps/, expanded ones at the root; tag, branch and commit all work", async () => {
    await using fixture = await GitFixture.create();
    const first = await fixture.commit({
      "steps/step.yml": say("one"),
      "steps/sub/func.yml": say("sub"),
      "func.yml": say("root"),
      "own/x.yml": say("own"),
    });
    await fixture.git("tag", "--annotate", "v1", "--message=v1");
    await fixture.git("branch", "feature/x");
    const second = await fixture.commit({ "steps/step.yml": say("two") });
    await fixture.git("branch", "v1"); // a tag goes before a branch of its name
    const url = fixture.reference;
    const output = await fixture.job.output(
      [
        { name: "tag", func: `${url}@v1` },
        { name: "branch", func: `${url}@feature/x` },
        { name: "main", func: `${url}@main` },
        { name: "full", func: `${url}@${first}` },
        { name: "short", func: `${url}@${second.slice(0, 8)}` },
        { name: "sub", func: `${url}/-/sub@v1` },
        { name: "root", func: { git: { url, rev: "v1" } } },
        { name: "own", func: { git: { url: "${{ vars.URL }}", rev: "v1", dir: "own", file: "x.yml" } } },
      ],
      { vars: { URL: url } },
    );
    assert.deepEqual(output, ["one", "one", "two", "one", "two", "sub", "root", "own"]);
    assert.ok(fixture.job.seen.every(({ digest }) => digest === first || digest === second));
  });

  test("git sees the job's environment on this machine; for commands elsewhere it sees neither that nor the engine's home", async () => {
    await using fixture = await GitFixture.create();
    await fixture.commit({ "steps/step.yml": say("fetched") });
    const { job } = fixture;
    const config = join(job.root, ".gitconfig");
    await writeFile(config, '[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://\n');
    const steps = [{ name: "a", func: `${fixture.reference}@main`, env: { GIT_CONFIG_GLOBAL: config } }];
    assert.equal((await job.run(steps)).error?.code, "fetch_failed");
    await using machine = createLocalProcesses({ tempDir: job.tempDir });
    const foreign = { environment: {}, platform: { os: "linux", architecture: "amd64" }, shell: ["sh"] } as const;
    const sources = createFunctionSources({
      cacheDir: job.cacheDir,
      environment: { PATH: "/usr/bin:/bin", HOME: job.root },
    });
    assert.deepEqual(await job.output(steps, { processes: { ...machine, foreign }, sources }), ["fetched"]);
  });

  test("fetching is observed with bytes, commit and cache hit, and a moved branch is fetched again", async () => {
    await using fixture = await GitFixture.create();
    const first = await fixture.commit({ "steps/step.yml": say("old") });
    const steps = [{ name: "a", func: `${fixture.reference}@main` }];
    assert.deepEqual(await fixture.job.output([...steps, { name: "b", func: `${fixture.reference}@main` }]), [
      "old",
      "old",
    ]);
    const second = await fixture.commit({ "steps/step.yml": say("new") });
    assert.deepEqual(await fixture.job.output(steps), ["new"]);
    const fetches = fixture.job.seen.flatMap((seen) => seen.fetches);
    assert.deepEqual(
      fetches.map(({ cacheHit, digest, error }) => ({ cacheHit, digest, error })),
      [
        { cacheHit: false, digest: first, error: undefined },
        { cacheHit: true, digest: first, error: undefined },
        { cacheHit: false, digest: second, error: undefined },
      ],
    );
    assert.ok(Number(fetches[0]?.["bytes"]) > 100);
    assert.equal(fetches[1]?.["bytes"], 0);
    assert.equal(fetches[0]?.["location"], `${fixture.server.host}/group/fns/.git/-/steps`);
    assert.equal(fetches[0]?.["version"], "main");
  });

  test("nothing is served from the cache when the server does not consent", async () => {
    await using fixture = await GitFixture.create();
    const commit = await fixture.commit({ "steps/step.yml": say("secret") });
    fixture.server.login = "user:open-sesame";
    const withLogin = fixture.reference.replace("http://", "http://user:open-sesame@");
    assert.deepEqual(await fixture.job.output([{ name: "a", func: `${withLogin}@${commit}` }]), ["secret"]);
    const outcome = await fixture.job.run([{ name: "a", func: `${fixture.reference}@${commit}` }]);
    assert.equal(outcome.error?.code, "fetch_failed");
    assert.doesNotMatch(outcome.log, /secret/);
  });

  test("credentials appear in no path, log line, error, observation or file of the cache", async () => {
    await using fixture = await GitFixture.create();
    await fixture.commit({ "steps/step.yml": say("fine") });
    const withLogin = fixture.reference.replace("http://", "http://us%65r:open-sesame@");
    fixture.server.login = "user:open-sesame";
    const good = await fixture.job.run([{ name: "a", func: `${withLogin}@main` }]);
    assert.equal(good.status, "success");
    const missing = await fixture.job.run([{ name: "a", func: `${withLogin}@nope` }]);
    assert.match(missing.error?.message ?? "", /version "nope" cannot be found/);
    fixture.server.login = "user:changed";
    const refused = await fixture.job.run([{ name: "a", func: `${withLogin}@main` }]);
    assert.equal(refused.error?.code, "fetch_failed");
    const cached = await readdir(fixture.job.cacheDir, { recursive: true, withFileTypes: true });
    const contents = await Promise.all(
      cached.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name), "utf8")),
    );
    const everything = JSON.stringify([
      cached.map((entry) => join(entry.parentPath, entry.name)),
      contents,
      [good, missing, refused].map(({ error, log }) => [error?.message, log]),
      fixture.job.seen,
    ]);
    assert.doesNotMatch(everything, /sesame|us%65r|user:/);
  });

  const hostile: readonly { name: string; make: (tree: string, outside: string) => Promise<void> }[] = [
    { name: "an absolute link", make: async (tree, outside) => await symlink(outside, join(tree, "steps/out")) },
    {
      name: "a relative link",
      make: async (tree) => await symlink("../../../../../../../etc", join(tree, "steps/out")),
    },
    {
      name: "a link over another link",
      make: async (tree) => {
        await mkdir(join(tree, "steps/x/y"), { recursive: true });
        await symlink("../../..", join(tree, "steps/x/y/up"));
        await symlink("x/y/up/..", join(tree, "steps/out"));
      },
    },
    { name: "a link to nowhere", make: async (tree) => await symlink("not-there-yet", join(tree, "steps/out")) },
  ];
  for (const { name, make } of hostile) {
    test(`${name} out of the tree is taken away, links inside stay`, async () => {
      await using fixture = await GitFixture.create();
      await mkdir(join(fixture.tree, "steps"), { recursive: true });
      await make(fixture.tree, fixture.job.root);
      await symlink("word", join(fixture.tree, "steps/inside"));
      await fixture.commit({
        "steps/step.yml": shellFunction("cat ${{ func_dir }}/inside; ls ${{ func_dir }}"),
        "steps/word": "linked\n",
      });
      const output = await fixture.job.output([{ name: "a", func: `${fixture.reference}@main` }]);
      assert.equal(output[0], "linked");
      assert.ok(!output.includes("out"), output.join());
    });
  }

  test("files with the executable bit stay programs", async () => {
    await using fixture = await GitFixture.create();
    await fixture.commit({
      "steps/tool": "#!/bin/sh\necho tool\n",
      "steps/step.yml": functionFile({}, { exec: { command: ["${{ func_dir }}/tool"] } }),
    });
    await fixture.git("update-index", "--chmod=+x", "steps/tool");
    await fixture.git("commit", "--quiet", "--message=x");
    assert.deepEqual(await fixture.job.output([{ name: "a", func: `${fixture.reference}@main` }]), ["tool"]);
  });

  test("submodules come along, one level deep", async () => {
    await using fixture = await GitFixture.create();
    await fixture.commit({ "steps/step.yml": say("inner") });
    await fixture.git("clone", "--quiet", "--bare", ".", "../inner.git");
    await fixture.git(
      "-c",
      "core.hooksPath=/dev/null",
      "submodule",
      "--quiet",
      "add",
      `http://${fixture.server.host}/group/inner.git`,
      "vendor",
    );
    await fixture.commit({
      "steps/step.yml": shellFunction("cat ${{ func_dir }}/../vendor/steps/step.yml | grep -c inner"),
    });
    assert.deepEqual(await fixture.job.output([{ name: "a", func: `${fixture.reference}@main` }]), ["1"]);
  });

  test("limits hold", async () => {
    await using fixture = await GitFixture.create();
    await fixture.commit({ "steps/step.yml": say("x"), big: "x".repeat(100_000), b: "", c: "" });
    const steps = [{ name: "a", func: `${fixture.reference}@main` }];
    for (const [limits, message] of [
      [{ maxExtractedBytes: 50_000 }, /more than 50000 bytes on disk/],
      [{ maxEntries: 3 }, /more than 3 files and directories/],
      [{ maxDownloadBytes: 100 }, /more than 100 bytes to download/],
    ] as const) {
      const sources = createFunctionSources({ cacheDir: fixture.job.cacheDir, limits });
      assert.match((await fixture.job.run(steps, { sources })).error?.message ?? "", message);
    }
  });

  test("many jobs at once fetch the same function and find it whole", async () => {
    await using fixture = await GitFixture.create();
    await fixture.commit({ "steps/step.yml": say("same") });
    const steps = [{ name: "a", func: `${fixture.reference}@main` }];
    const outputs = await Promise.all(
      [1, 2, 3, 4].map(() =>
        fixture.job.output(steps, { sources: createFunctionSources({ cacheDir: fixture.job.cacheDir }) }),
      ),
    );
    assert.deepEqual(outputs, [["same"], ["same"], ["same"], ["same"]]);
    assert.deepEqual(await readdir(join(fixture.job.cacheDir, "staging")), []);
    const [origin = ""] = await readdir(join(fixture.job.cacheDir, "git"));
    assert.equal((await readdir(join(fixture.job.cacheDir, "git", origin))).length, 1);
    assert.ok((await stat(join(fixture.job.cacheDir, "git", origin))).isDirectory());
  });

  test("a fetch that hangs ends with the job", async () => {
    await using fixture = await GitFixture.create();
    const { createServer } = await import("node:net");
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const cancel = new AbortController();
    const { port } = silent.address() as { port: number };
    const running = fixture.job.run([{ name: "a", func: `http://127.0.0.1:${port}/g/p@main` }], {
      signal: cancel.signal,
    });
    silent.once("connection", (socket) => {
      socket.resume();
      cancel.abort();
      socket.once("close", () => silent.close());
    });
    const outcome = await running;
    assert.equal(outcome.status, "cancelled");
  });
});
