import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { silentLog } from "@jobscope/labkit";
import { busyboxFiles, skipWithoutEngine } from "../../../../test/support/docker-engine.ts";
import { createDockerScene, type DockerScene, type DockerWishes } from "./support/docker-scene.ts";

describe("containers that go wrong", { skip: skipWithoutEngine }, () => {
  let scene: DockerScene;

  let onWarning: (message: string) => void = () => {};

  before(async () => {
    scene = await createDockerScene({ log: { ...silentLog, warn: (message) => onWarning(message) } });
  });

  after(async () => {
    await scene[Symbol.asyncDispose]();
    assert.deepEqual(await scene.leftovers(), []);
  });

  test("one that runs out of memory is said to have, in the log and in the span", async () => {
    const { verdict, text, trace } = await scene.run({
      script: ["echo $(head -c 200000000 /dev/zero | tail -c 100000000 | wc -c)", "exit 9"],
      docker: { memory: "16m", memory_swap: "16m" },
    });
    assert.equal(verdict.state, "failed");
    const [span] = trace.named("step_script");
    assert.equal(span?.attributes["ci.stage.oom_killed"], true, text);
    assert.match(text, /WARNING: The container ran out of memory/);
  });

  test("what a stage used is in its span", async () => {
    const { trace, text } = await scene.run({ script: ["i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"] });
    const [span] = trace.named("step_script");
    const attributes: Readonly<Record<string, unknown>> = span?.attributes ?? {};
    assert.ok(Number(attributes["ci.stage.cpu_time_s"]) > 0.01, text);
    assert.ok(Number(attributes["ci.stage.memory_peak_bytes"]) > 100_000);
    assert.equal(typeof attributes["ci.stage.network_receive_bytes"], "number");
  });

  test("what goes through the host's network is not counted as a stage's", async () => {
    const { trace, text } = await scene.run({ script: ["sleep 1"], docker: { network_mode: "host" } });
    const [span] = trace.named("step_script");
    assert.ok(Number(span?.attributes["ci.stage.memory_peak_bytes"]) > 100_000, text);
    assert.equal(span?.attributes["ci.stage.network_receive_bytes"], undefined);
  });

  const lines = ["echo the script runs", "sleep 300"];
  const kinds: readonly { kind: string; wishes: DockerWishes; message: RegExp }[] = [
    { kind: "a script", wishes: { script: lines }, message: /lost the build container: / },
    {
      kind: "a function",
      wishes: { scriptSteps: [], run: JSON.stringify([{ name: "a", script: lines.join("\n") }]) },
      message: /step "a": exec: the connection to the job's container was lost/,
    },
  ];
  for (const { kind, wishes, message } of kinds) {
    test(`an engine that is lost in the middle of ${kind} makes it a system failure`, async () => {
      await using lossy = await startLossyEngine();
      const gaveUp = Promise.withResolvers<void>();
      onWarning = (text) => /could not all be removed/.test(text) && gaveUp.resolve();
      const { verdict, text } = await scene.run(
        { ...wishes, docker: { host: `unix://${lossy.socket}` } },
        { onLog: (log) => /^the script runs$/m.test(log) && lossy.lose() },
      );
      assert.equal(verdict.state === "failed" && verdict.failureReason, "runner_system_failure", text);
      assert.match(text, /ERROR: Job failed \(system failure\): .*\n/);
      assert.match(text, message);
      // What was made for the job is removed when the engine is there again and the next job comes.
      await gaveUp.promise;
      await lossy.find();
      await scene.run({ id: 43 });
    });
  }

  test("an engine that is frozen does not hold a job beyond its timeout", async () => {
    await using lossy = await startLossyEngine();
    const { verdict, text } = await scene.run(
      { timeoutMs: 3_000, script: ["echo the script runs", "sleep 300"], docker: { host: `unix://${lossy.socket}` } },
      { onLog: (log) => /^the script runs$/m.test(log) && lossy.freeze() },
    );
    assert.equal(verdict.state === "failed" && verdict.failureReason, "job_execution_timeout", text);
    const gaveUp = Promise.withResolvers<void>();
    onWarning = (message) => /could not all be removed/.test(message) && gaveUp.resolve();
    lossy.lose();
    await gaveUp.promise;
    await lossy.find();
    await scene.run({ id: 44 });
  });

  test("without the umask the files belong to the user of the build image", async () => {
    const image = await scene.makeImage("owner", busyboxFiles, ["USER app"]);
    const { verdict, text } = await scene.run({
      image,
      variables: {
        FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR: "true",
        GIT_STRATEGY: "none",
        FILE: { value: "x", isFile: true },
      },
      script: ["echo written > file", "stat -c %u .", "cat $FILE"],
    });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(text, /Not using umask - FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR is set!\n/);
    assert.match(text, /\n1000\n/);
  });
});

/** Stands before the real engine; told to, it breaks every connection and takes no more, until it is found again. */
async function startLossyEngine() {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-lossy-engine-"));
  const socket = path.join(directory, "docker.sock");
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (incoming) => {
    const outgoing = connect({ path: "/var/run/docker.sock", allowHalfOpen: true });
    for (const [one, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy()).on("close", () => sockets.delete(one));
      one.pipe(other);
    }
  });
  const find = () => new Promise<void>((resolve) => server.listen(socket, resolve));
  await find();
  /** Every connection stays open, and nothing passes any more. */
  const freeze = () => {
    for (const one of sockets) one.unpipe().pause();
  };
  const lose = () => {
    server.close();
    for (const one of sockets) one.destroy();
  };
  return {
    socket,
    freeze,
    lose,
    find,
    async [Symbol.asyncDispose]() {
      lose();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
