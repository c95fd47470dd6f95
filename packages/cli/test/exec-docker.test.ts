import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { busyboxFiles, connectToEngine, importImage, skipWithoutEngine } from "../../../test/support/docker-engine.ts";
import { aRepository } from "./a-repository.ts";
import { jobscope, makeSurroundings } from "./jobscope-process.ts";

describe("jobs with an image", { skip: skipWithoutEngine }, () => {
  const engine = connectToEngine();
  const image = `jobscope-cli-test-${randomBytes(4).toString("hex")}:1`;
  const pipeline = `
stages: [build, test]
build:
  stage: build
  image: ${image}
  script: [mkdir out, "cat /etc/marker README > out/file"]
  artifacts: { paths: [out] }
test:
  stage: test
  script: [cat out/file, "test ! -e /etc/marker"]
`;

  before(() =>
    importImage(engine, image, [...busyboxFiles, { path: "etc/marker", text: "in the image\n", mode: 0o644 }]),
  );

  after(() => engine.getImage(image).remove({ force: true }));

  test("run in containers, beside those without one, and nothing but the cache's volume stays", async (t) => {
    const surroundings = makeSurroundings(t);
    const cwd = aRepository(surroundings, { ".gitlab-ci.yml": pipeline, README: "of the repository\n" });
    const { exitCode, stdout, stderr } = await jobscope(t, ["exec"], { ...surroundings, cwd });
    assert.equal(exitCode, 0, stdout + stderr);
    assert.match(stdout, /build: pull_image/);
    assert.match(stdout, /✓ build: passed[\s\S]*✓ test: passed/);
    const query =
      "SELECT SpanAttributes['ci.image.name'] FROM otel_traces WHERE SpanAttributes['ci.image.role'] = 'build' FORMAT TSV";
    const { stdout: names } = await jobscope(t, ["sql", query], surroundings);
    assert.equal(names.trim(), image.replace(/:1$/, ""));
    const containers = await engine.listContainers({ all: true, filters: { ancestor: [image] } });
    assert.deepEqual(containers, []);
  });

  test("run in a shell when that is asked for", async (t) => {
    const surroundings = makeSurroundings(t);
    const cwd = aRepository(surroundings, {
      ".gitlab-ci.yml": `job: { image: ${image}, script: ["test ! -e /etc/marker"] }`,
    });
    const { exitCode, stdout, stderr } = await jobscope(t, ["exec", "--no-store", "--executor", "shell"], {
      ...surroundings,
      cwd,
    });
    assert.equal(exitCode, 0, stdout + stderr);
  });
});
