import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { busyboxFiles, skipWithoutEngine } from "../../../../test/support/docker-engine.ts";
import { createDockerScene, type DockerScene } from "./support/docker-scene.ts";

describe("services of jobs in containers", { skip: skipWithoutEngine }, () => {
  let scene: DockerScene;
  /** Answers on a port with what it was given; says so when it begins. */
  let answering: string;

  before(async () => {
    scene = await createDockerScene();
    const answer = '#!/bin/sh\necho service is up\nwhile true; do echo "$ANSWER $TRACEPARENT" | nc -l -p 6379; done\n';
    answering = await scene.makeImage(
      "group/answering",
      [...busyboxFiles, { path: "answer", text: answer }],
      ['CMD ["/answer"]', "EXPOSE 6379"],
    );
  });

  after(async () => {
    await scene[Symbol.asyncDispose]();
    assert.deepEqual(await scene.leftovers(), []);
  });

  const alias = () => answering.replace(/:1$/, "").replaceAll("/", "__");
  // It takes a connection, ends, and is started again.
  const ask = (host: string) => `until nc ${host} 6379 < /dev/null; do sleep 0.1; done`;
  const answerVariable = { key: "ANSWER", isPublic: true, isFile: false, isMasked: false, isRaw: true };

  for (const { name, variables } of [
    { name: "on the engine's bridge", variables: {} },
    { name: "in a network of the job's own", variables: { FF_NETWORK_PER_BUILD: "true" } },
  ]) {
    test(`one is ready before the script, and found by its names, ${name}`, async () => {
      const { verdict, text, trace } = await scene.run({
        services: [{ name: answering, aliases: ["store"], variables: [{ ...answerVariable, value: "pong" }] }],
        variables: { ...variables, ANSWER: "not this" },
        script: [ask("store"), ask(alias())],
      });
      assert.deepEqual(verdict, { state: "success" }, text);
      assert.match(text, /Starting service \S+group\/answering:1\.\.\.\n/);
      assert.match(text, /Waiting for services to be up and running \(timeout 30 seconds\)\.\.\.\n/);
      assert.equal(text.match(/^pong 00-[0-9a-f]{32}-[0-9a-f]{16}-01$/gm)?.length, 2, text);
      const [prepare] = trace.named("prepare_executor");
      const [start] = trace.named("start_services");
      assert.deepEqual(prepare?.attributes["ci.executor.services"], [answering]);
      assert.equal(start?.status, "ok");
      assert.equal(start.parentSpanId, prepare.spanId);
      assert.match(text, new RegExp(`^pong 00-[0-9a-f]{32}-${start.spanId}-01$`, "m"));
    });
  }

  test("an image that a job and its service share is provided once", async () => {
    const { verdict, text, trace } = await scene.run({
      image: answering,
      services: [{ name: answering, aliases: ["store"] }],
      script: ["true"],
    });
    assert.deepEqual(verdict, { state: "success" }, text);
    const names = trace.named("pull_image").map(({ attributes }) => attributes["ci.image.name"]);
    assert.equal(names.filter((name) => String(name).endsWith("group/answering")).length, 1);
  });

  test("one that does not answer in time is told of with what it printed, and the job goes on", async () => {
    const { verdict, text } = await scene.run({
      services: [{ name: answering, command: ["sh", "-c", "echo I am stuck; sleep 300"], aliases: ["stuck"] }],
      docker: { wait_for_services_timeout: 1 },
    });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(text, /\n\*\*\* WARNING: Service runner-\S+-0 probably didn't start properly\.\n/);
    assert.match(text, /Health check error:\nservice "runner-\S+-wait-for-service" timeout\n/);
    assert.match(text, /Health check container logs:\ndialing [\d.]+:6379: .*ECONNREFUSED/);
    assert.match(text, /Service container logs:\n\S+ I am stuck\n\n\*\*\*\*\*\*\*\*\*\n/);
  });

  test("one without a port is told of", async () => {
    const { verdict, text } = await scene.run({ services: [{ name: scene.image, command: ["sleep", "300"] }] });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(text, /Health check error:\nservice "runner-\S+" has no exposed ports\n/);
  });

  test("what services print is in the log when CI_DEBUG_SERVICES asks for it", async () => {
    const { text } = await scene.run({
      services: [{ name: answering, aliases: ["store"] }],
      variables: { CI_DEBUG_SERVICES: "true" },
      script: [ask("store")],
    });
    assert.match(text, /\[service:\S+-store\] \S+Z service is up\n/);
  });

  test("those of the configuration are always allowed, also when variables name them", async () => {
    const { verdict, text } = await scene.run({
      variables: { SERVICE: answering, GIT_STRATEGY: "none" },
      docker: { services: [{ name: "$SERVICE" }], allowed_services: ["nothing/*"] },
    });
    assert.deepEqual(verdict, { state: "success" }, text);
  });

  for (const { name, wishes, reason, message } of [
    {
      name: "more than the runner allows",
      wishes: { services: [{ name: "a" }, { name: "b" }], docker: { services_limit: 1 } },
      reason: "runner_configuration_error",
      message: /the job has 2 services: the runner allows 1 \(services_limit\)/,
    },
    {
      name: "one whose image is not there",
      wishes: { services: [{ name: "jobscope-test/absent-service:1" }] },
      reason: "runner_configuration_error",
      message:
        /failed to pull image "jobscope-test\/absent-service:1" with specified policies \[never\]: No such image/,
    },
  ]) {
    test(`${name} fails the job as ${reason}, and nothing is left`, async () => {
      const { verdict } = await scene.run(wishes);
      assert.equal(verdict.state === "failed" && verdict.failureReason, reason);
      assert.match(verdict.state === "failed" ? verdict.message : "", message);
    });
  }
});
