import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { skipWithoutEngine } from "./support/an-engine.ts";
import { createDockerScene, type DockerScene } from "./support/docker-scene.ts";

describe("jobs in containers", { skip: skipWithoutEngine }, () => {
  let scene: DockerScene;

  before(async () => {
    scene = await createDockerScene();
  });

  after(() => scene[Symbol.asyncDispose]());

  test("a job runs in its image and leaves nothing on the engine", async () => {
    const { verdict, text } = await scene.run({
      script: ["echo in $(cat /etc/group | head -1)", "pwd", "echo to stderr >&2"],
      afterScript: ["echo $CI_JOB_STATUS"],
    });
    assert.deepEqual(verdict, { state: "success" }, text);
  });
});
