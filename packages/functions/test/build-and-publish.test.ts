import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { extract } from "tar-stream";
import { skipWithoutRegistry, startDockerRegistry } from "../../../test/support/docker-registry.ts";
import { functionFile, JobFixture } from "./job-fixture.ts";

const greet = {
  "greet/func.yml": functionFile(
    { inputs: { who: { type: "string" } }, outputs: { text: { type: "string" } } },
    { exec: { command: ["${{ func_dir }}/bin/greet", "${{ inputs.who }}", "${{ output_file }}"] } },
  ),
  "greet/common/word": "hello",
};

async function addProgram(job: JobFixture): Promise<void> {
  const script = `#!/bin/sh\ncd "$(dirname "$0")/.."\nprintf '{"name":"text","value":"%s %s %s"}' "$(cat common/word)" "$1" "$(cat platform)" > "$2"\n`;
  await job.write("greet/greet.sh", script, 0o755);
  await job.write("amd64", "linux");
  await job.write("any", "generic");
}

const build = (inputs: object) => ({ name: "build", func: "builtin://function/oci/build", inputs });
const files = { "func.yml": "greet/func.yml", "bin/greet": "greet/greet.sh", common: "greet/common" };

/** Entries of a tar with their texts. */
async function readTar(path: string): Promise<Map<string, string>> {
  const tar = createReadStream(path).pipe(extract());
  const entries = new Map<string, string>();
  for await (const entry of tar) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    entries.set(entry.header.name, Buffer.concat(chunks).toString());
  }
  return entries;
}

suite("the built-in function/oci/build (ci-functions.md §2.6, §2.7)", () => {
  test("writes an OCI image layout whose index names a manifest for each platform", async () => {
    await using job = await JobFixture.create(greet);
    await addProgram(job);
    const platforms = { "linux/amd64": { files: { platform: "amd64" } }, "linux/arm64": { files: {} } };
    const outcome = await job.run([build({ version: "1.2.3", common: { files }, platforms })]);
    assert.equal(outcome.error, undefined);
    assert.match(outcome.lines.at(-1) ?? "", /^function-image\.tar: version 1\.2\.3, 2 platform\(s\), sha256:/);
    const entries = await readTar(join(job.workDir, "function-image.tar"));
    const blob = (digest: string) => JSON.parse(entries.get(`blobs/${digest.replace(":", "/")}`) ?? "null");
    assert.deepEqual(JSON.parse(entries.get("oci-layout") ?? ""), { imageLayoutVersion: "1.0.0" });
    const [reference] = JSON.parse(entries.get("index.json") ?? "").manifests;
    assert.equal(reference.annotations["org.opencontainers.image.ref.name"], "1.2.3");
    const index = blob(reference.digest);
    assert.match(index.annotations["org.opencontainers.image.created"], /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.deepEqual(
      index.manifests.map(({ platform }: { platform: object }) => platform),
      [
        { os: "linux", architecture: "amd64" },
        { os: "linux", architecture: "arm64", variant: "v8" },
      ],
    );
    const layers = index.manifests.map(({ digest }: { digest: string }) => blob(digest).layers);
    assert.deepEqual(
      layers.map((list: unknown[]) => list.length),
      [4, 3],
    );
    assert.equal(layers[0][0].mediaType, "application/vnd.gitlab.step.layer.v1.tar+zstd");
    assert.deepEqual(layers[0].slice(0, 3), layers[1]);
  });

  test("the same files give the same layers", async () => {
    await using job = await JobFixture.create(greet);
    await addProgram(job);
    const step = build({ version: "1.0.0", common: { files } });
    const layers = async () => {
      await job.run([step]);
      const entries = await readTar(join(job.workDir, "function-image.tar"));
      const blob = (digest: string) => JSON.parse(entries.get(`blobs/${digest.replace(":", "/")}`) ?? "null");
      const index = blob(JSON.parse(entries.get("index.json") ?? "").manifests[0].digest);
      return blob(index.manifests[0].digest).layers.map(({ digest }: { digest: string }) => digest);
    };
    const first = await layers();
    assert.equal(first.length, 3);
    assert.deepEqual(await layers(), first);
  });

  const refusals: readonly { name: string; inputs: object; message: RegExp }[] = [
    { name: "a version that is none", inputs: { version: "v1" }, message: /input version: must be a semantic version/ },
    { name: "an unknown key", inputs: { version: "1.0.0", common: { file: {} } }, message: /input common/ },
    {
      name: "a platform that is none",
      inputs: { version: "1.0.0", platforms: { linux: {} } },
      message: /"linux" is no os\/arch/,
    },
    {
      name: "a missing file",
      inputs: { version: "1.0.0", common: { files: { a: "nope" } } },
      message: /nope cannot be read \(ENOENT\)/,
    },
    {
      name: "a file outside",
      inputs: { version: "1.0.0", common: { files: { a: "../secret" } } },
      message: /leads out of the project directory/,
    },
    {
      name: "an absolute path",
      inputs: { version: "1.0.0", common: { files: { a: "/etc/passwd" } } },
      message: /leads out of the project directory/,
    },
    {
      name: "a link to outside",
      inputs: { version: "1.0.0", common: { files: { a: "sneaky" } } },
      message: /leads out of the project directory/,
    },
    {
      name: "a link to outside, deeper",
      inputs: { version: "1.0.0", common: { files: { a: "dir" } } },
      message: /leads out of the project directory/,
    },
    {
      name: "a destination outside",
      inputs: { version: "1.0.0", common: { files: { "../a": "x" } } },
      message: /leads out of the image/,
    },
  ];
  for (const { name, inputs, message } of refusals) {
    test(`${name} is refused, and no archive is left`, async () => {
      await using job = await JobFixture.create({ x: "x", "dir/y": "y" });
      await writeFile(join(job.root, "secret"), "s");
      await symlink("../secret", join(job.workDir, "sneaky"));
      await symlink("../..", join(job.workDir, "dir/up"));
      const outcome = await job.run([build(inputs)]);
      assert.equal(outcome.error?.code, "invalid_input");
      assert.match(outcome.error?.message ?? "", message);
      assert.deepEqual(await readdir(job.workDir), ["dir", "sneaky", "x"]);
    });
  }
});

suite("a real registry", { skip: skipWithoutRegistry }, () => {
  test("a function is built, published, called by each of its tags, and read from the cache", async () => {
    await using registry = await startDockerRegistry();
    await using job = await JobFixture.create(greet);
    await addProgram(job);
    const repository = `${registry.host}/group/greet`;
    const env = { DOCKER_AUTH_CONFIG: "${{ vars.DOCKER_AUTH_CONFIG }}" };
    const publish = {
      name: "publish",
      func: "builtin://function/oci/publish",
      env,
      inputs: { archive: "${{ steps.build.outputs.archive }}", to_repository: repository },
    };
    const platforms = {
      "linux/amd64": { files: { platform: "amd64" } },
      "generic/generic": { files: { platform: "any" } },
    };
    const call = (tag: string) => ({ name: "call", func: `${repository}:${tag}`, inputs: { who: tag }, env });
    const vars = { DOCKER_AUTH_CONFIG: registry.authConfig };
    const publishing = (version: string) =>
      job.run(
        [
          build({ version, common: { files }, platforms }),
          publish,
          { name: "tags", script: "echo '${{ steps.publish.outputs.tags }}'" },
        ],
        { vars },
      );
    const first = await publishing("1.2.3");
    assert.equal(first.error, undefined);
    assert.equal(first.lines.at(-1), '["1.2.3", "1.2", "1", "latest"]');
    assert.equal((await publishing("1.1.9")).lines.at(-1), '["1.1.9", "1.1"]');
    const where = process.arch === "x64" ? "linux" : "generic";
    for (const tag of ["1.2.3", "1.2", "1", "latest", "1.1"]) {
      const output = await job.output([call(tag), { name: "u", script: "echo ${{ steps.call.outputs.text }}" }], {
        vars,
      });
      assert.deepEqual(output, [`hello ${tag} ${where}`]);
    }
    const hits = job.seen.flatMap(({ fetches }) => fetches.map(({ cacheHit }) => cacheHit));
    assert.deepEqual(hits, [false, true, true, true, false]);
    const denied = await job.run([{ ...call("latest"), env: {} }]);
    assert.match(denied.error?.message ?? "", /asks for a user name and password/);
    assert.doesNotMatch(JSON.stringify([first.log, job.seen, denied.error?.message]), /sesame/);
  });

  test("what is no archive of ours is not published", async () => {
    await using registry = await startDockerRegistry();
    await using job = await JobFixture.create({ "not.tar": "x".repeat(2_000) });
    await mkdir(join(job.workDir, "directory"));
    for (const archive of ["not.tar", "directory"]) {
      const steps = [
        { name: "p", func: "builtin://function/oci/publish", inputs: { archive, to_repository: `${registry.host}/x` } },
      ];
      assert.match(
        (await job.run(steps)).error?.message ?? "",
        /is no archive that function\/oci\/build made|a layer cannot be read/,
      );
    }
    const tagged = [
      {
        name: "p",
        func: "builtin://function/oci/publish",
        inputs: { archive: "not.tar", to_repository: `${registry.host}/x:1` },
      },
    ];
    assert.match((await job.run(tagged)).error?.message ?? "", /is no repository/);
  });
});
