import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { silentLog } from "@jobscope/labkit";
import { skipWithoutEngine } from "../../../../test/support/docker-engine.ts";
import { createDockerExecutor } from "../../src/executors/docker/docker-executor.ts";
import { aRunner } from "../support/a-runner.ts";
import { createDockerScene, type DockerScene } from "./support/docker-scene.ts";

const processFile = fileURLToPath(new URL("./support/docker-process-main.ts", import.meta.url));

describe("what a killed runner leaves on the engine", { skip: skipWithoutEngine }, () => {
  let scene: DockerScene;

  before(async () => {
    scene = await createDockerScene();
  });

  after(() => scene[Symbol.asyncDispose]());

  function executorOf(identity: string) {
    const { docker } = aRunner("http://127.0.0.1:1", { executor: "docker", docker: {} });
    assert.ok(docker !== undefined);
    return createDockerExecutor({ log: silentLog, identity, environment: {}, configs: [docker] });
  }

  test("is removed by its next start, and by nobody else's", async () => {
    const identity = `killed runner ${scene.image}`;
    const request = { identity, image: scene.image, projectId: scene.projectId };
    const child = spawn(process.execPath, [...process.execArgv, processFile, JSON.stringify(request)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    await once(createInterface(child.stdout), "line");
    const [service] = (await scene.leftovers()).filter((name) => /-0$/.test(name));
    assert.ok(service !== undefined);

    const another = executorOf("another runner");
    const next = executorOf(identity);
    await another.sweep();
    await next.sweep();
    assert.ok((await scene.leftovers()).length >= 5, "the runner lives");

    child.kill("SIGKILL");
    await exited;
    await another.sweep();
    assert.ok((await scene.leftovers()).length >= 5, "these are not that runner's");
    const { endedProcesses } = await next.sweep();
    assert.equal(endedProcesses, 3, "build, helper and service");
    assert.deepEqual(await scene.leftovers(), []);
  });
});
