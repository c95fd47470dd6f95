import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { silentLog } from "@jobscope/labkit";
import Docker from "dockerode";
import { createImageProvider } from "../src/executors/docker/images/provide-image.ts";
import type { RunHelper } from "../src/executors/executor.ts";
import { ensureHelperImage } from "../src/helper-image/ensure-helper-image.ts";
import { extendBase } from "../src/helper-image/extend-base.ts";
import {
  helperImageLabels,
  helperImageName,
  helperProgram,
  splitImageName,
  staticBusybox,
} from "../src/helper-image/helper-image.ts";
import { digestOf, type ImageEntry, sendTar } from "../src/helper-image/image-entry.ts";
import { importRoot } from "../src/helper-image/import-root.ts";
import { programEntries } from "../src/helper-image/program-entries.ts";
import { runnerVersion } from "../src/runner-version.ts";
import { createHelperWorkspace } from "../src/workspace/helper-workspace.ts";
import { aRepository } from "./support/a-repository.ts";
import { aClient } from "./support/a-runner.ts";
import { startGitHttpServer } from "./support/git-http-server.ts";
import { startScriptableCoordinator } from "./support/scriptable-coordinator.ts";

const docker = new Docker();
const hasEngine = await docker.ping().then(
  () => true,
  () => false,
);
const { signal } = new AbortController();
const options = { docker, log: silentLog, signal };

/** A shell and what scripts need, and neither git nor a way to get it. */
const bareRoot: readonly ImageEntry[] = [
  { kind: "copy", path: "/bin/busybox", from: "/bin/busybox", mode: 0o755 },
  ...["sh", "chmod", "cp", "mkdir", "rm", "touch"].map(
    (applet): ImageEntry => ({ kind: "link", path: `/bin/${applet}`, to: "busybox" }),
  ),
];

describe("the helper image", { skip: hasEngine ? false : "no Docker engine answers here" }, () => {
  const repository = `jobscope-test-${randomBytes(4).toString("hex")}`;
  const name = `${repository}:made-here`;
  let directory: string;
  let old: Docker.ImageInspectInfo;
  let made: Awaited<ReturnType<typeof ensureHelperImage>>;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "jobscope-helper-image-test-"));
    const entries = [{ kind: "text", path: "/old", text: "old", mode: 0o644 }] as const;
    await importRoot(docker, { ...options, name, entries, labels: { [helperImageLabels.content]: "older" } });
    old = await docker.getImage(name).inspect();
    made = await ensureHelperImage({ ...options, name });
  });

  after(async () => {
    for (const image of await docker.listImages({ filters: { reference: [`${repository}:*`] } })) {
      for (const tag of image.RepoTags ?? []) await docker.getImage(tag).remove({ force: true });
    }
    await rm(directory, { recursive: true });
  });

  /** @returns what a command printed in a container of the image that shares the directory and the network of the test. */
  async function runInImage(command: readonly string[], image = name): Promise<{ exitCode: number; output: string }> {
    const chunks: Uint8Array[] = [];
    const keep = (chunk: Uint8Array) => void chunks.push(chunk);
    const stdin = new PassThrough();
    stdin.end();
    const { StatusCode: exitCode } = await runContainer(image, command, { stdin, onStdout: keep, onStderr: keep });
    return { exitCode, output: Buffer.concat(chunks).toString() };
  }

  async function runContainer(
    image: string,
    command: readonly string[],
    { stdin, onStdout, onStderr }: Omit<Parameters<RunHelper>[0], "args">,
  ): Promise<{ StatusCode: number }> {
    const container = await docker.createContainer({
      Image: image,
      Cmd: [...command],
      OpenStdin: true,
      StdinOnce: true,
      HostConfig: { NetworkMode: "host", Binds: [`${directory}:/builds`] },
    });
    try {
      const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      stdout.on("data", onStdout);
      stderr.on("data", onStderr);
      container.modem.demuxStream(stream, stdout, stderr);
      await container.start();
      stdin.pipe(stream);
      const ended = once(stream, "end");
      const status = await container.wait();
      await ended;
      return status;
    } finally {
      await container.remove({ force: true });
    }
  }

  test("has git, git-lfs where this machine has it, a shell, and the helper program, and is root's", async () => {
    const script = [
      "set -e",
      "id -un",
      "git --version",
      `[ "$(git config --system safe.directory)" = "*" ]`,
      `${helperProgram} --version`,
      `${staticBusybox} sha256sum ${staticBusybox} > /dev/null`,
      "env true && awk 1 /dev/null && [ -s /etc/ssl/certs/ca-certificates.crt ]",
      "touch /tmp/file",
    ].join("\n");
    const { exitCode, output } = await runInImage(["sh", "-c", script]);
    assert.match(output, new RegExp(`^root\ngit version [0-9.]+\n${runnerVersion}\n$`));
    assert.equal(exitCode, 0);
    const { Config: config, Architecture: architecture } = await docker.getImage(name).inspect();
    assert.deepEqual(config.Entrypoint ?? null, null);
    assert.equal(architecture, "amd64");
  });

  test("brings sources over HTTP, submodules too", async () => {
    await using server = await startGitHttpServer(directory, "user:word");
    const inner = aRepository(path.join(directory, "inner.git"));
    const outer = aRepository(path.join(directory, "outer.git"));
    outer.git("submodule", "--quiet", "add", inner.url, "below");
    outer.git("config", "--file", ".gitmodules", "submodule.below.url", "../inner.git");
    outer.git("commit", "--quiet", "--all", "--message", "submodule");
    const url = server.url.replace("://", "://user:word@");
    const clone = `git clone --quiet --recurse-submodules ${url}/outer.git /builds/clone && cat /builds/clone/below/a.txt`;
    assert.deepEqual(await runInImage(["sh", "-c", clone]), { exitCode: 0, output: "a\n" });
  });

  test("does the file work of a job beside its files", async () => {
    await using coordinator = await startScriptableCoordinator();
    await using client = aClient(coordinator.url);
    const runHelper: RunHelper = async ({ args, ...streams }) => {
      const { StatusCode: exitCode } = await runContainer(name, [helperProgram, ...args], streams);
      exitCodes.push(exitCode);
      return { kind: "exited", exitCode };
    };
    const exitCodes: number[] = [];
    await using workspace = createHelperWorkspace({ runHelper, client, graceMs: 60_000 });
    const project = path.join(directory, "project");
    aRepository(project);
    await mkdir(path.join(project, "out"));
    await writeFile(path.join(project, "out/a"), "a");
    const said: string[] = [];
    const say = (message: string) => void said.push(message);
    const report = { report: { info: say, warning: say, error: say }, signal };
    const environment = { variables: {}, handedOnFile: "/builds/none" };
    const cache = { projectDirectory: "/builds/project", archiveDirectory: "/builds/cache/key", key: "key" };
    const wishes = {
      ...environment,
      paths: [],
      includesUntracked: true,
      compressionLevel: "",
      compressionFormat: "tarzstd",
    };
    assert.deepEqual(await workspace.perform("save-cache", { ...cache, ...wishes }, report), { kind: "saved" });
    assert.equal(said[0], "untracked: found 1 files");
    await rm(path.join(project, "out"), { recursive: true });
    assert.deepEqual(await workspace.perform("restore-cache", cache, report), { kind: "restored" });
    assert.equal(await readFile(path.join(project, "out/a"), "utf8"), "a");
    const set = {
      name: "",
      paths: ["out"],
      exclude: [],
      includesUntracked: false,
      type: "",
      format: "zip",
      expireIn: "",
    };
    const job = { id: 1, jobToken: "t" };
    const upload = { ...environment, projectDirectory: "/builds/project", job, set, compressionLevel: "" };
    assert.deepEqual(await workspace.perform("upload-artifacts", upload, report), { kind: "uploaded" });
    assert.equal(coordinator.callsOf("upload").length, 1);
    assert.deepEqual((await readdir(directory)).includes("cache"), true);
    // An abort reaches the program in the container by the end of its input.
    coordinator.script("download", { misbehave: "hang" });
    const abort = new AbortController();
    const download = { projectDirectory: "/builds/project", job, allowsDirectDownload: false };
    const downloading = workspace.perform("download-artifacts", download, { ...report, signal: abort.signal });
    await coordinator.waitFor("download");
    abort.abort(new Error("enough"));
    await assert.rejects(downloading, { message: "enough" });
    assert.deepEqual(exitCodes, [0]);
  });

  test("is made again when something it is made of has changed, and then the old one goes", async () => {
    assert.deepEqual([made.name, made.isNew], [name, true]);
    assert.ok(made.sizeBytes > 50e6 && made.sizeBytes < 400e6, String(made.sizeBytes));
    await assert.rejects(docker.getImage(old.Id).inspect(), { statusCode: 404 });
    assert.deepEqual(await ensureHelperImage({ ...options, name }), { ...made, isNew: false });
  });

  test("is made from an image with git and Node.js, and kept when none is named", async () => {
    const ours = await programEntries({ isOwnPlatform: true });
    const launcher = ours.find((entry) => entry.path === helperProgram);
    assert.ok(launcher?.kind === "text");
    const bundle = "/usr/lib/jobscope/helper/main.cjs";
    const node = { ...launcher, path: "/usr/bin/node", text: launcher.text.replace(` ${bundle}`, "") };
    const entries = [node, ...(await programEntries({ isOwnPlatform: false }))];
    const based = `${repository}:from-base`;
    const labels = {
      [helperImageLabels.content]: "any",
      [helperImageLabels.program]: await digestOf(ours),
      [helperImageLabels.base]: name,
    };
    await extendBase(docker, { ...options, name: based, base: name, entries, labels });
    const { Config: config, Id: id } = await docker.getImage(based).inspect();
    assert.deepEqual([config.Entrypoint ?? [], config.User, config.Labels], [[], "0", { ...config.Labels, ...labels }]);
    const said = await runInImage(["sh", "-c", `cat ${helperProgram}; ${helperProgram} --version`], based);
    assert.deepEqual(said, { exitCode: 0, output: `#!/bin/sh\nexec node ${bundle} "$@"\n${runnerVersion}\n` });
    for (const base of [undefined, name]) {
      const { isNew, id: kept } = await ensureHelperImage({ ...options, name: based, base });
      assert.deepEqual([isNew, kept], [false, id]);
    }
  });

  /** Programs of the names of package managers, which note what they are asked for and "install" a git. */
  const managers = [
    { name: "apk", asked: "add --no-cache git git-lfs busybox-static ca-certificates\n" },
    {
      name: "apt-get",
      asked: "update\ninstall --yes --no-install-recommends git git-lfs busybox-static ca-certificates\n",
    },
  ];
  for (const { name: manager, asked } of managers) {
    test(`has git installed by the package manager of a base without it: ${manager}`, async () => {
      const base = `${repository}:with-${manager}`;
      const install = "#!/bin/sh\necho \"$@\" >> /asked\nprintf '#!/bin/sh\\n' > /bin/git\nchmod +x /bin/git\n";
      const program = { kind: "text", path: `/bin/${manager}`, text: install, mode: 0o755 } as const;
      await importRoot(docker, { ...options, name: base, entries: [...bareRoot, program], labels: {} });
      const made = `${repository}:by-${manager}`;
      const entries = [{ kind: "text", path: helperProgram, text: "#!/bin/sh\n", mode: 0o755 }] as const;
      await extendBase(docker, { ...options, name: made, base, entries, labels: {} });
      const { output } = await runInImage(["sh", "-c", `busybox cat /asked && ${staticBusybox} echo there`], made);
      assert.equal(output, `${asked}there\n`);
    });
  }

  test("cannot be made from an image that is not to be had, nor from one without git or a way to get it", async () => {
    const failed = `${repository}:failed`;
    await assert.rejects(ensureHelperImage({ ...options, name: failed, base: "127.0.0.1:1/no/image:1" }), {
      code: "HELPER_IMAGE",
      message: /^cannot get the base image 127\.0\.0\.1:1\/no\/image:1: Get .*connection refused/,
    });
    const bare = `${repository}:bare`;
    await importRoot(docker, { ...options, name: bare, entries: bareRoot, labels: {} });
    await assert.rejects(ensureHelperImage({ ...options, name: failed, base: bare }), {
      code: "HELPER_IMAGE",
      message: /^setting up the helper image ended with 1:\nthe image has no git, and no package manager that we know$/,
    });
    await assert.rejects(docker.getImage(failed).inspect(), { statusCode: 404 });
  });
});

describe("an engine without the helper image", () => {
  /** An engine as far as these questions go. */
  async function startEngine(version: object): Promise<AsyncDisposable & { readonly engine: Docker }> {
    const server = createServer((request, response) => {
      const isVersion = request.url?.endsWith("/version") === true;
      response.writeHead(isVersion ? 200 : 404, { "content-type": "application/json" });
      response.end(JSON.stringify(isVersion ? version : { message: "No such image" }));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    return {
      engine: new Docker({ protocol: "http", host: "127.0.0.1", port: address.port }),
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        server.close();
        await once(server, "close");
      },
    };
  }

  test("is told what to do", async () => {
    await using started = await startEngine({ Os: "linux", Arch: "amd64" });
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    const images = createImageProvider({
      engine: started.engine,
      findLogin: () => assert.fail("no registry is asked"),
      pullStarted: () => ({ succeeded: () => assert.fail(), failed() {} }),
      signal,
    });
    const reference = helperImageName("amd64");
    const wanted = { reference, role: "helper", platform: undefined, policies: ["never"] } as const;
    const image = images.provide(wanted).ready({ plain: say, info: say, warning: say, error: say });
    await assert.rejects(image, { reason: "runner_configuration_error" });
    assert.equal(
      said.at(-1),
      `Failed to pull image with policy "never": No such image: jobscope-helper:x86_64-${runnerVersion}. ` +
        'Make it with "jobscope helper-image" (in a checkout: npm run helper-image), or name another with ' +
        "helper_image in config.toml",
    );
  });

  test("of another architecture or system than this machine is told that it takes a base, or that there is none", async () => {
    await using other = await startEngine({ Os: "linux", Arch: "riscv64" });
    await assert.rejects(ensureHelperImage({ ...options, docker: other.engine }), {
      code: "HELPER_IMAGE",
      message: /do not run in the engine's containers \(linux riscv64\): name an image .* with --base$/,
    });
    await using windows = await startEngine({ Os: "windows", Arch: "amd64" });
    await assert.rejects(ensureHelperImage({ ...options, docker: windows.engine }), {
      code: "HELPER_IMAGE",
      message: "there is no helper image for an engine of windows containers",
    });
  });
});

test("names of images are split at the tag, not at a port", () => {
  assert.deepEqual(splitImageName("a/b:1"), { repo: "a/b", tag: "1" });
  assert.deepEqual(splitImageName("host:5000/a"), { repo: "host:5000/a", tag: "latest" });
});

test("a file that cannot be read ends the tar it was to be in", async () => {
  const entries = [{ kind: "copy", path: "/x", from: "/no/file", mode: 0o644 }] as const;
  await assert.rejects(
    sendTar(entries, (tar) => text(tar)),
    { code: "ENOENT" },
  );
});

test("an image is known by what is in it, not by where that came from", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-digest-test-"));
  t.after(() => rm(directory, { recursive: true }));
  const [one, other] = [path.join(directory, "one"), path.join(directory, "other")];
  const digest = (from: string, version?: string) =>
    digestOf([{ kind: "copy", path: "/x", from, mode: 0o644, ...(version === undefined ? {} : { version }) }]);
  for (const file of [one, other]) {
    await writeFile(file, "same");
    await utimes(file, 1, 1);
  }
  assert.equal(await digest(one), await digest(other));
  await writeFile(other, "longer");
  assert.notEqual(await digest(one), await digest(other));
  assert.equal(await digest(one, "v1"), await digest(other, "v1"));
  assert.notEqual(await digest(one, "v1"), await digest(one, "v2"));
});
