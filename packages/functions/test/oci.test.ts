import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { createFunctionSources } from "../src/index.ts";
import { digestOf, FakeRegistry, type LayerEntry, layerOf, tarOf } from "./fake-registry.ts";
import { functionFile, JobFixture, shellFunction } from "./job-fixture.ts";

const say = (word: string): LayerEntry => ({ name: "func.yml", content: shellFunction(`echo ${word}`) });

function authConfig(key: string, login: string): string {
  return JSON.stringify({ auths: { [key]: { auth: Buffer.from(login).toString("base64") } } });
}

suite("functions from registries (ci-functions.md §2.5)", () => {
  test("tag, digest, path in the image, expanded form and expressions all work", async () => {
    await using registry = await FakeRegistry.start();
    await using job = await JobFixture.create();
    const layer = await layerOf([
      say("top"),
      { name: "sub/func.yml", content: shellFunction("echo sub") },
      { name: "sub/other.yml", content: shellFunction("cat ${{ func_dir }}/../word") },
      { name: "word", content: "beside\n" },
    ]);
    const digest = registry.addIndex("g/fn", "1.2", { "generic/generic": [layer] });
    registry.addIndex("g/fn", "latest", { "generic/generic": [await layerOf([say("newest")])] });
    const image = `${registry.host}/g/fn`;
    const oci = { registry: registry.host, repository: "g/fn" };
    const output = await job.output(
      [
        { name: "tag", func: `${image}:1.2` },
        { name: "latest", func: image },
        { name: "digest", func: `${image}@${digest}` },
        { name: "sub", func: `${image}:1.2 sub` },
        { name: "file", func: `${image}:1.2 sub/other.yml` },
        { name: "expanded", func: { oci: { ...oci, tag: "${{ vars.TAG }}", dir: "sub", file: "other.yml" } } },
        { name: "pinned", step: { oci: { ...oci, tag: digest } } },
        { name: "dynamic", func: "${{ vars.IMAGE }}:1.2" },
      ],
      { vars: { TAG: "1.2", IMAGE: image } },
    );
    assert.deepEqual(output, ["top", "newest", "top", "sub", "beside", "beside", "top", "top"]);
    assert.deepEqual(
      job.seen.slice(0, 4).map(({ reference, version, kind }) => ({ reference, version, kind })),
      [
        { reference: image, version: "1.2", kind: "oci" },
        { reference: image, version: "latest", kind: "oci" },
        { reference: image, version: digest, kind: "oci" },
        { reference: `${image} sub`, version: "1.2", kind: "oci" },
      ],
    );
  });

  test("fetching is observed, layers come once, and a moved tag is seen", async () => {
    await using registry = await FakeRegistry.start();
    await using job = await JobFixture.create();
    const layer = await layerOf([say("old")]);
    registry.addIndex("fn", "1", { "generic/generic": [layer] });
    const steps = [{ name: "a", func: `${registry.host}/fn:1` }];
    await job.output([...steps, { name: "b", func: `${registry.host}/fn:1` }]);
    registry.addIndex("fn", "1", { "generic/generic": [await layerOf([say("new")])] });
    assert.deepEqual(await job.output(steps), ["new"]);
    const fetches = job.seen.flatMap((seen) => seen.fetches);
    assert.deepEqual(
      fetches.map(({ cacheHit }) => cacheHit),
      [false, true, false],
    );
    assert.ok(Number(fetches[0]?.["bytes"]) > layer.length);
    assert.ok(Number(fetches[1]?.["bytes"]) < Number(fetches[0]?.["bytes"]));
    assert.equal(registry.requests.filter((request) => request.includes("/blobs/")).length, 2);
    assert.equal(job.seen[0]?.digest, fetches[0]?.["digest"]);
  });

  test("layers lie over each other; links, devices and whiteouts bring nothing; executable bits stay", async () => {
    await using registry = await FakeRegistry.start();
    await using job = await JobFixture.create();
    registry.addIndex("fn", "1", {
      "generic/generic": [
        await layerOf([
          {
            name: "func.yml",
            content: functionFile(
              {},
              {
                exec: {
                  command: [
                    "sh",
                    "-c",
                    "cd ${{ func_dir }}; ./bin/tool; find . | LC_ALL=C sort; stat -c %a bin/tool plain setuid",
                  ],
                },
              },
            ),
          },
          { name: "bin/tool", content: "#!/bin/sh\necho old\n", mode: 0o755 },
          { name: "becomes-file/x", content: "x" },
          { name: "becomes-directory", content: "x" },
          { name: "link", type: "symlink", linkname: "/etc/passwd" },
          { name: "hard", type: "link", linkname: "func.yml" },
          { name: "device", type: "character-device", devmajor: 1, devminor: 3 },
          { name: "pipe", type: "fifo" },
          { name: "plain", content: "x", mode: 0o600 },
          { name: "setuid", content: "x", mode: 0o6777 },
        ]),
        await layerOf([
          { name: "./bin//tool", content: "#!/bin/sh\necho new\n", mode: 0o500 },
          { name: "becomes-file", content: "x" },
          { name: "becomes-directory/x", content: "x" },
          { name: "link/through", content: "x" },
          { name: "/absolute", content: "x" },
        ]),
      ],
    });
    assert.deepEqual(await job.output([{ name: "a", func: `${registry.host}/fn:1` }]), [
      "new",
      ".",
      "./absolute",
      "./becomes-directory",
      "./becomes-directory/x",
      "./becomes-file",
      "./bin",
      "./bin/tool",
      "./func.yml",
      "./link",
      "./link/through",
      "./plain",
      "./setuid",
      "755",
      "644",
      "755",
    ]);
  });

  const compressions: readonly [name: string, compress: (tar: Buffer) => Buffer][] = [
    ["zstd", zstdCompressSync],
    ["gzip", gzipSync],
    ["plain tar", (tar) => tar],
  ];
  for (const [name, compress] of compressions) {
    test(`layers in ${name} are read, also of a single image`, async () => {
      await using registry = await FakeRegistry.start();
      await using job = await JobFixture.create();
      registry.addImage("fn", "1", [compress(await tarOf([say(name)]))]);
      assert.deepEqual(await job.output([{ name: "a", func: `${registry.host}/fn:1` }]), [name]);
    });
  }

  const platforms: readonly { offered: string[]; machine: string; chosen: string | undefined }[] = [
    { offered: ["linux/amd64", "linux/arm64"], machine: "linux/arm64/v8", chosen: "linux/arm64" },
    { offered: ["generic/generic", "linux/amd64"], machine: "linux/amd64", chosen: "linux/amd64" },
    { offered: ["linux/amd64", "generic/generic"], machine: "linux/arm64", chosen: "generic/generic" },
    { offered: ["linux/arm/v5", "linux/arm/v6", "linux/arm/v7"], machine: "linux/arm/v6", chosen: "linux/arm/v6" },
    { offered: ["linux/arm/v5", "linux/arm/v7"], machine: "linux/arm/v6", chosen: "linux/arm/v5" },
    { offered: ["windows/amd64", "linux/arm64"], machine: "linux/amd64", chosen: undefined },
  ];
  for (const { offered, machine, chosen } of platforms) {
    test(`of ${offered.join(", ")} a ${machine} machine takes ${chosen ?? "none"}`, async () => {
      await using registry = await FakeRegistry.start();
      await using job = await JobFixture.create();
      const layers = await Promise.all(offered.map(async (key) => [key, [await layerOf([say(key)])]] as const));
      registry.addIndex("fn", "1", Object.fromEntries(layers));
      const [os = "", architecture = "", variant = ""] = machine.split("/");
      const sources = createFunctionSources({ cacheDir: job.cacheDir, platform: { os, architecture, variant } });
      const outcome = await job.run([{ name: "a", func: `${registry.host}/fn:1` }], { sources });
      if (chosen !== undefined) assert.equal(outcome.lines[1], chosen);
      else
        assert.match(
          outcome.error?.message ?? "",
          /for none of linux\/amd64 and generic, but for windows\/amd64, linux\/arm64/,
        );
    });
  }
});

suite("logging in to registries (ci-functions.md §2.5)", () => {
  const rows: readonly {
    name: string;
    auth: FakeRegistry["auth"];
    config: (host: string) => string | undefined;
    works: boolean;
  }[] = [
    {
      name: "no login where none is needed",
      auth: { kind: "bearer", login: undefined },
      config: () => undefined,
      works: true,
    },
    {
      name: "basic, by registry",
      auth: { kind: "basic", login: "u:sesame" },
      config: (host) => authConfig(host, "u:sesame"),
      works: true,
    },
    {
      name: "bearer, by registry",
      auth: { kind: "bearer", login: "u:sesame" },
      config: (host) => authConfig(host, "u:sesame"),
      works: true,
    },
    {
      name: "bearer, by URL",
      auth: { kind: "bearer", login: "u:sesame" },
      config: (host) => authConfig(`https://${host}/v1/`, "u:sesame"),
      works: true,
    },
    {
      name: "the repository goes before the registry",
      auth: { kind: "bearer", login: "u:sesame" },
      config: (host) =>
        JSON.stringify({
          auths: {
            [host]: { username: "u", password: "wrong" },
            [`${host}/g/fn`]: { username: "u", password: "sesame" },
          },
        }),
      works: true,
    },
    {
      name: "a wrong password",
      auth: { kind: "bearer", login: "u:sesame" },
      config: (host) => authConfig(host, "u:sesame2"),
      works: false,
    },
    {
      name: "a login for another registry",
      auth: { kind: "basic", login: "u:sesame" },
      config: () => authConfig("other.example.com", "u:sesame"),
      works: false,
    },
    { name: "a config that is no JSON", auth: { kind: "none" }, config: () => "{sesame", works: false },
  ];
  for (const { name, auth, config, works } of rows) {
    test(`${name}: ${works ? "works" : "fails without showing anything"}`, async () => {
      await using registry = await FakeRegistry.start();
      await using job = await JobFixture.create();
      registry.auth = auth;
      registry.addIndex("g/fn", "1", { "generic/generic": [await layerOf([say("in")])] });
      const given = config(registry.host);
      const steps = [
        {
          name: "a",
          func: `${registry.host}/g/fn:1`,
          env: given === undefined ? {} : { DOCKER_AUTH_CONFIG: "${{ vars.AUTH }}" },
        },
      ];
      const outcome = await job.run(steps, { vars: { AUTH: given ?? "" } });
      assert.equal(outcome.status, works ? "success" : "failure", outcome.error?.message);
      assert.doesNotMatch(JSON.stringify([outcome.error?.message, outcome.log, job.seen]), /sesame|issued-token/);
      assert.doesNotMatch((await readdir(job.cacheDir, { recursive: true }).catch(() => [])).join(), /sesame/);
    });
  }

  test("an earlier step may export the login", async () => {
    await using registry = await FakeRegistry.start();
    registry.auth = { kind: "basic", login: "u:p" };
    registry.addIndex("fn", "1", { "generic/generic": [await layerOf([say("in")])] });
    const line = JSON.stringify({ name: "DOCKER_AUTH_CONFIG", value: authConfig(registry.host, "u:p") });
    await using job = await JobFixture.create({
      line: line,
      "login/func.yml": shellFunction("cat line > ${{ export_file }}"),
    });
    assert.deepEqual(
      await job.output([
        { name: "l", func: "./login" },
        { name: "a", func: `${registry.host}/fn:1` },
      ]),
      ["in"],
    );
  });

  test("the login does not follow a redirect to another host", async () => {
    await using registry = await FakeRegistry.start();
    await using storage = await FakeRegistry.start();
    await using job = await JobFixture.create();
    const layer = await layerOf([say("stored")]);
    registry.auth = { kind: "bearer", login: undefined };
    registry.blobHost = storage.host;
    registry.addIndex("fn", "1", { "generic/generic": [layer] });
    storage.blobs.set(digestOf(layer), layer);
    assert.deepEqual(await job.output([{ name: "a", func: `${registry.host}/fn:1` }]), ["stored"]);
    assert.equal(registry.blobHeaders[0]?.authorization, "Bearer issued-token");
    assert.equal(storage.blobHeaders[0]?.authorization, undefined);
  });

  test("a function in the cache is only for those the registry lets pull", async () => {
    await using registry = await FakeRegistry.start();
    await using job = await JobFixture.create();
    const digest = registry.addIndex("fn", "1", { "generic/generic": [await layerOf([say("private")])] });
    const steps = [{ name: "a", func: `${registry.host}/fn@${digest}` }];
    await job.output(steps);
    registry.auth = { kind: "basic", login: "u:p" };
    const outcome = await job.run(steps);
    assert.equal(outcome.error?.code, "fetch_failed");
    assert.doesNotMatch(outcome.log, /private/);
  });
});

suite("registries that fail or lie", () => {
  test("what fails in passing is asked again", async () => {
    await using registry = await FakeRegistry.start();
    await using job = await JobFixture.create();
    registry.addIndex("fn", "1", { "generic/generic": [await layerOf([say("late")])] });
    registry.failuresLeft = 1;
    assert.deepEqual(await job.output([{ name: "a", func: `${registry.host}/fn:1` }]), ["late"]);
  });

  const failures: readonly { name: string; message: RegExp; spoil: (registry: FakeRegistry, layer: Buffer) => void }[] =
    [
      {
        name: "no such tag",
        message: /version "1" cannot be found in the registry/,
        spoil: (registry) => registry.manifests.clear(),
      },
      { name: "no such layer", message: /a layer cannot be found/, spoil: (registry) => registry.blobs.clear() },
      {
        name: "another layer than promised",
        message: /a layer has the digest sha256:[0-9a-f]+, expected/,
        spoil: (registry, layer) => {
          registry.blobs.set(digestOf(layer), zstdCompressSync(Buffer.alloc(1024)));
        },
      },
      {
        name: "a layer with something appended",
        message: /a layer/,
        spoil: (registry, layer) => registry.blobs.set(digestOf(layer), Buffer.concat([layer, Buffer.from("more")])),
      },
      {
        name: "half a layer",
        message: /a layer/,
        spoil: (registry, layer) => registry.blobs.set(digestOf(layer), layer.subarray(0, layer.length / 2)),
      },
      {
        name: "a manifest that is no JSON",
        message: /manifest is no JSON/,
        spoil: (registry) => registry.manifests.set("fn:1", "<html>"),
      },
      {
        name: "a manifest that is none",
        message: /neither an image index nor an image/,
        spoil: (registry) => registry.manifests.set("fn:1", "{}"),
      },
      {
        name: "an enormous manifest",
        message: /larger than/,
        spoil: (registry) => registry.manifests.set("fn:1", " ".repeat(5 * 1024 * 1024)),
      },
      {
        name: "another manifest than promised",
        message: /a manifest has the digest/,
        spoil: (registry) => {
          for (const key of registry.manifests.keys())
            if (key.includes("@")) registry.manifests.set(key, '{"layers":[]}');
        },
      },
    ];
  for (const { name, message, spoil } of failures) {
    test(`${name} fails the step and leaves nothing in the cache`, async () => {
      await using registry = await FakeRegistry.start();
      await using job = await JobFixture.create();
      const layer = await layerOf([say("never")]);
      registry.addIndex("fn", "1", { "generic/generic": [layer] });
      spoil(registry, layer);
      const outcome = await job.run([{ name: "a", func: `${registry.host}/fn:1` }]);
      assert.equal(outcome.error?.code, "fetch_failed");
      assert.match(outcome.error?.message ?? "", message);
      assert.match(outcome.error?.message ?? "", /^step "a": failed to load: cannot fetch 127\.0\.0\.1:\d+\/fn@1: /);
      assert.equal(job.seen[0]?.fetches[0]?.["error"] !== undefined, true);
      const left = await readdir(job.cacheDir, { recursive: true }).catch(() => []);
      assert.deepEqual(
        left.filter((path) => path !== "staging"),
        [],
      );
    });
  }

  test("a download that hangs ends with the job, and with the time limit", async () => {
    await using registry = await FakeRegistry.start();
    await using job = await JobFixture.create();
    registry.addIndex("fn", "1", { "generic/generic": [await layerOf([say("never")])] });
    const steps = [{ name: "a", func: `${registry.host}/fn:1` }];
    const cancel = new AbortController();
    registry.onHangingBlob = () => cancel.abort();
    const cancelled = await job.run(steps, { signal: cancel.signal });
    assert.equal(cancelled.status, "cancelled");
    assert.equal(job.seen[0]?.fetches[0]?.["error"], `cannot fetch ${registry.host}/fn@1: cancelled`);
    registry.onHangingBlob = () => {};
    const sources = createFunctionSources({ cacheDir: job.cacheDir, limits: { timeoutMs: 300 } });
    const late = await job.run(steps, { sources });
    assert.equal(
      late.error?.message,
      `step "a": failed to load: cannot fetch ${registry.host}/fn@1: not done after 300 ms`,
    );
    assert.deepEqual(await readdir(join(job.cacheDir, "staging")), []);
  });

  test("an unreachable registry is named, with the system's reason", async () => {
    await using job = await JobFixture.create();
    const gone = await FakeRegistry.start();
    await gone[Symbol.asyncDispose]();
    const outcome = await job.run([{ name: "a", func: `${gone.host}/fn:1` }]);
    assert.ok(outcome.error?.message.endsWith(`${gone.host} cannot be reached (ECONNREFUSED)`), outcome.error?.message);
  });
});

test("what nobody asked for in 30 days leaves the cache when something is fetched; what a job uses stays", async () => {
  await using registry = await FakeRegistry.start();
  await using job = await JobFixture.create();
  const names = ["used", "forgotten", "fresh"];
  for (const name of names) registry.addImage(name, "1", [await layerOf([say(name)])]);
  const steps = (...called: string[]) => called.map((name) => ({ name, func: `${registry.host}/${name}:1` }));
  await job.output(steps("used", "forgotten"));
  const longAgo = new Date(Date.now() - 31 * 24 * 3600 * 1000);
  const origins = join(job.cacheDir, "oci");
  const entries = async () =>
    (await readdir(origins, { recursive: true })).filter((path) => /^[^/]+\/[^/]+$/.test(path));
  const before = await entries();
  for (const entry of before) await utimes(join(origins, entry), longAgo, longAgo);
  assert.deepEqual(await job.output(steps("used", "fresh")), ["used", "fresh"]);
  const kept = before.map(async (entry) => (await stat(join(origins, entry)).catch(() => undefined)) !== undefined);
  assert.equal((await Promise.all(kept)).filter(Boolean).length, 1);
  assert.equal((await entries()).length, 2);
  assert.deepEqual(await job.output(steps(...names)), names);
});

test("a location that leads out of the function is refused: the cache beside it is not the job's to read", async () => {
  await using registry = await FakeRegistry.start();
  await using job = await JobFixture.create();
  registry.addImage("fn", "1", [await layerOf([say("never")])]);
  const oci = { registry: registry.host, repository: "fn", tag: "1" };
  const outside = [
    `${registry.host}/fn:1 a/../../b`,
    { oci: { ...oci, dir: "../other" } },
    { oci: { ...oci, file: "../x.yml" } },
  ];
  for (const func of outside) {
    const { error } = await job.run([{ name: "a", func }]);
    assert.equal(error?.code, "invalid_reference");
    assert.match(error.message, /leads out of the function's files/);
  }
});

suite("hostile layers cannot write outside their directory, nor fill the machine", () => {
  const escapes: readonly { name: string; entries: LayerEntry[] }[] = [
    { name: "a name with ..", entries: [{ name: "../../escaped", content: "x" }] },
    { name: "a name with .. inside", entries: [{ name: "a/../../escaped", content: "x" }] },
    { name: "a directory with ..", entries: [{ name: "../escaped/", type: "directory" }] },
    { name: "an absolute name with ..", entries: [{ name: "/../escaped", content: "x" }] },
  ];
  for (const { name, entries } of escapes) {
    test(`${name} is refused`, async () => {
      await using registry = await FakeRegistry.start();
      await using job = await JobFixture.create();
      registry.addImage("fn", "1", [await layerOf([...entries, say("never")])]);
      const outcome = await job.run([{ name: "a", func: `${registry.host}/fn:1` }]);
      assert.match(outcome.error?.message ?? "", /leads out of the function's directory/);
      const everywhere = await readdir(job.root, { recursive: true });
      assert.ok(!everywhere.some((path) => path.includes("escaped")), everywhere.join());
    });
  }

  test("links followed by writes through them write beside the links' targets", async () => {
    await using registry = await FakeRegistry.start();
    await using job = await JobFixture.create();
    const outside = join(job.root, "outside");
    await mkdir(outside);
    await writeFile(join(outside, "file"), "untouched");
    registry.addImage("fn", "1", [
      await layerOf([
        { name: "dir", type: "symlink", linkname: outside },
        { name: "dir/planted", content: "x" },
        { name: "file", type: "symlink", linkname: join(outside, "file") },
        { name: "file", content: "overwritten" },
        { name: "hard", type: "link", linkname: join(outside, "file") },
        { name: "hard", content: "overwritten" },
        say("safe"),
      ]),
    ]);
    assert.deepEqual(await job.output([{ name: "a", func: `${registry.host}/fn:1` }]), ["safe"]);
    assert.deepEqual(await readdir(outside), ["file"]);
    assert.equal(await readFile(join(outside, "file"), "utf8"), "untouched");
  });

  const bombs: readonly { name: string; message: RegExp; layer: () => Promise<Buffer>; limits?: object }[] = [
    {
      name: "too many bytes on disk",
      message: /more than 1000000 bytes on disk/,
      limits: { maxExtractedBytes: 1_000_000 },
      layer: () => layerOf([{ name: "big", content: "x".repeat(2_000_000) }]),
    },
    {
      name: "too many entries",
      message: /more than 100 files/,
      limits: { maxEntries: 100 },
      layer: () => layerOf(Array.from({ length: 200 }, (_, at) => ({ name: `f${at}`, content: "" }))),
    },
    {
      name: "too many bytes to download",
      message: /more than 500 bytes to download/,
      limits: { maxDownloadBytes: 500 },
      layer: async () => await tarOf([say("x")]),
    },
    {
      name: "a name that never ends",
      message: /oversized names|cannot be read/,
      layer: async () => {
        const tar = await tarOf([{ name: "x", type: "file", content: "x".repeat(8_000_000) }]);
        tar.write("x", 156); // a file becomes an extended header, which is held in memory
        tar.write("        ", 148);
        const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
        tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
        return zstdCompressSync(tar);
      },
    },
    {
      name: "garbage",
      message: /a layer/,
      layer: async () => Buffer.from("no archive at all, but longer than a magic number"),
    },
  ];
  for (const { name, message, layer, limits } of bombs) {
    test(`${name}: refused`, async () => {
      await using registry = await FakeRegistry.start();
      await using job = await JobFixture.create();
      registry.addImage("fn", "1", [await layer()]);
      const sources = createFunctionSources({ cacheDir: job.cacheDir, ...(limits && { limits }) });
      const outcome = await job.run([{ name: "a", func: `${registry.host}/fn:1` }], { sources });
      assert.equal(outcome.error?.code === "fetch_failed" || outcome.error?.code === "function_not_found", true);
      if (name !== "garbage") assert.match(outcome.error?.message ?? "", message);
    });
  }

  test("many jobs at once fetch the same function and find it whole", async () => {
    await using registry = await FakeRegistry.start();
    await using job = await JobFixture.create();
    const files = Array.from({ length: 50 }, (_, at) => ({ name: `d/f${at}`, content: `${at}` }));
    registry.addIndex("fn", "1", {
      "generic/generic": [
        await layerOf([...files, { name: "func.yml", content: shellFunction("ls ${{ func_dir }}/d | wc -l") }]),
      ],
    });
    const steps = [{ name: "a", func: `${registry.host}/fn:1` }];
    const runs = Array.from({ length: 6 }, () =>
      job.output(steps, { sources: createFunctionSources({ cacheDir: job.cacheDir }) }),
    );
    assert.deepEqual(
      await Promise.all(runs),
      Array.from({ length: 6 }, () => ["50"]),
    );
    assert.deepEqual(await readdir(join(job.cacheDir, "staging")), []);
    const [origin = ""] = await readdir(join(job.cacheDir, "oci"));
    const entries = await readdir(join(job.cacheDir, "oci", origin));
    assert.equal(entries.length, 1);
    assert.ok((await stat(join(job.cacheDir, "oci", origin, entries[0] ?? ""))).isDirectory());
  });
});
