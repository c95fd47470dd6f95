import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { skipWithoutEngine } from "../../../../test/support/docker-engine.ts";
import { skipWithoutRegistry, startDockerRegistry } from "../../../../test/support/docker-registry.ts";
import { helperImageName } from "../../src/helper-image/helper-image.ts";
import { createDockerScene, type DockerScene, type DockerWishes } from "./support/docker-scene.ts";

describe("images of jobs in containers", { skip: skipWithoutEngine || skipWithoutRegistry, concurrency: 2 }, () => {
  let scene: DockerScene;
  let registry: Awaited<ReturnType<typeof startDockerRegistry>>;
  /** Has to be logged in for. */
  let remote: string;

  before(async () => {
    scene = await createDockerScene();
    registry = await startDockerRegistry();
    remote = `${registry.host}/group/tools`;
    await push(`${remote}:1`);
    await push(`${remote}:2`);
  });

  after(async () => {
    for (const tag of ["1", "2", "absent"]) {
      await scene.engine
        .getImage(`${remote}:${tag}`)
        .remove({ force: true })
        .catch(() => undefined);
    }
    await registry[Symbol.asyncDispose]();
    await scene[Symbol.asyncDispose]();
    assert.deepEqual(await scene.leftovers(), []);
  });

  async function push(reference: string): Promise<void> {
    const [, tag = ""] = reference.split(/:(?=[^/]*$)/);
    await scene.engine.getImage(scene.image).tag({ repo: reference.slice(0, -tag.length - 1), tag });
    const image = scene.engine.getImage(reference);
    const auth = { username: "user", password: "open-sesame", serveraddress: registry.host };
    for await (const line of await image.push({ authconfig: auth })) {
      if (String(line).includes('"error"')) throw new Error(String(line));
    }
    await image.remove();
  }

  const withLogin = () => ({ DOCKER_AUTH_CONFIG: { value: registry.authConfig, isRaw: true } });

  test("one that is pulled is described by its span, and by the lines of the log", async () => {
    const { verdict, text, trace } = await scene.run({
      image: `${remote}:1`,
      docker: { pull_policy: "always" },
      variables: withLogin(),
    });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(
      text,
      new RegExp(
        `Using effective pull policy of \\[always\\] for container ${remote}:1\\n` +
          "Authenticating with credentials from \\$DOCKER_AUTH_CONFIG\\n" +
          `Pulling docker image ${remote}:1 \\.\\.\\.\\n` +
          `Using docker image sha256:[0-9a-f]{64} for ${remote}:1 with digest ${remote}@sha256:[0-9a-f]{64} \\.\\.\\.\\n`,
      ),
    );
    const span = trace.named("pull_image").find(({ attributes }) => attributes["ci.image.role"] === "build");
    assert.equal(span?.status, "ok");
    const { attributes } = span;
    assert.equal(attributes["ci.image.name"], remote);
    assert.equal(attributes["ci.image.tag"], "1");
    assert.match(String(attributes["ci.image.digest"]), /^sha256:[0-9a-f]{64}$/);
    assert.equal(attributes["ci.image.pull_policy"], "always");
    assert.equal(attributes["ci.image.pulled"], true);
    assert.equal(attributes["ci.image.layers"], 1);
    assert.ok(Number(attributes["ci.image.size_bytes"]) > 1_000_000);
    assert.equal(attributes["ci.resource.hit"], false);
    assert.equal(span.parentSpanId, trace.jobTrace.spanId);
  });

  test("the login of the job's payload is used when nothing else has one", async () => {
    const { verdict, text } = await scene.run({
      image: `${remote}:2`,
      docker: { pull_policy: "always" },
      registryCredentials: [{ url: registry.host, username: "user", password: "open-sesame" }],
    });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(text, /Authenticating with credentials from job payload \(GitLab Registry\)\n/);
  });

  const failures: readonly {
    readonly name: string;
    readonly wishes: () => DockerWishes;
    readonly reason: string;
    readonly message: RegExp;
    readonly log?: RegExp;
  }[] = [
    {
      name: "one that needs a login which there is not",
      wishes: () => ({ image: `${remote}:1`, docker: { pull_policy: "always" } }),
      reason: "runner_configuration_error",
      message:
        /^failed to pull image ".*\/group\/tools:1" with specified policies \[always\]: .*no basic auth credentials/,
      log: /WARNING: Failed to pull image with policy "always": .*no basic auth credentials\n/,
    },
    {
      name: "one that the registry does not have",
      wishes: () => ({ image: `${remote}:absent`, docker: { pull_policy: "always" }, variables: withLogin() }),
      reason: "runner_configuration_error",
      message: /manifest unknown/,
    },
    {
      name: "one whose registry does not answer",
      wishes: () => ({ image: "127.0.0.1:1/group/tools", docker: { pull_policy: "always" } }),
      reason: "runner_external_dependency_failure",
      message: /connection refused/,
      // the registry's words, without the client's
      log: /WARNING: Failed to pull image ".*" \(attempt #2\), retrying: Get ".*connection refused/,
    },
    {
      name: "a name that no image can have",
      wishes: () => ({ image: "../containers/Json?all=1", docker: { pull_policy: "if-not-present" } }),
      reason: "runner_configuration_error",
      message: /invalid reference format: "\.\.\/containers\/Json\?all=1" is no name of an image$/,
    },
    {
      name: "one that is not there and may not be pulled",
      wishes: () => ({ image: "jobscope-test/absent:1", docker: { pull_policy: "never" } }),
      reason: "runner_configuration_error",
      message: /No such image/,
    },
    {
      name: "one with a policy that the runner does not allow",
      wishes: () => ({ image: { pullPolicies: ["always"] }, docker: { pull_policy: "never" } }),
      reason: "runner_configuration_error",
      message: /^invalid pull policy for image ".*": the job wants \[always\], the runner allows \[never\]$/,
    },
    {
      name: "one that is there for another platform only",
      wishes: () => ({ image: { executorOptions: { docker: { platform: "linux/s390x" } } } }),
      reason: "runner_configuration_error",
      message: /with specified policies \[never\]: No such image: .* for platform linux\/s390x$/,
    },
    {
      name: "a job without one",
      wishes: () => ({ image: { name: "" } }),
      reason: "runner_configuration_error",
      message: /^no Docker image specified to run the build in$/,
    },
    {
      name: "one that the runner does not allow",
      wishes: () => ({ docker: { allowed_images: ["ruby:*", "python:**"] } }),
      reason: "runner_system_failure",
      message: /^disallowed image$/,
      log: /is not present on list of allowed images:\n- ruby:\*\n- python:\*\*\n/,
    },
    {
      name: "a user that the runner does not allow",
      wishes: () => ({ image: { executorOptions: { docker: { user: "root" } } }, docker: { allowed_users: ["app"] } }),
      reason: "runner_configuration_error",
      message: /^user "root" is not an allowed user: \["app"\]$/,
    },
    {
      name: "an engine that does not answer",
      wishes: () => ({ docker: { host: "unix:///nonexistent/docker.sock" } }),
      reason: "runner_system_failure",
      message: /^cannot reach the Docker engine: .*nonexistent.*Is it running/,
      log: /ERROR: Preparation failed: cannot reach the Docker engine/,
    },
  ];

  for (const { name, wishes, reason, message, log } of failures) {
    test(`${name} fails the job as ${reason}`, async () => {
      const { verdict, text, trace } = await scene.run(wishes());
      assert.equal(verdict.state === "failed" && verdict.failureReason, reason, text);
      assert.match(verdict.state === "failed" ? verdict.message : "", message);
      if (log !== undefined) assert.match(text, log);
      const [span] = trace.named("prepare_executor");
      assert.equal(span?.status, "error");
      assert.match(span.message ?? "", message);
      assert.equal(span.attributes["error.type"], reason);
    });
  }

  test("an image without a shell fails the job with a line that says so", async () => {
    const image = await scene.makeImage("no-shell", [{ path: "bin/tool", from: "/bin/busybox" }]);
    const { verdict, text } = await scene.run({ image });
    assert.equal(verdict.state === "failed" && verdict.failureReason, "runner_configuration_error", text);
    assert.match(text, /ERROR: Job failed: the image cannot run the job's script: it has no shell \("sh"\)/);
  });

  test("the second policy is tried when the first yields nothing", async () => {
    const { verdict, text, trace } = await scene.run({
      image: `127.0.0.1:1/${scene.image}`,
      docker: { pull_policy: ["always", "if-not-present"] },
    });
    assert.equal(verdict.state, "failed", text);
    assert.match(text, /Attempt #2: Trying "if-not-present" pull policy\n/);
    assert.equal(
      trace.named("pull_image").find(({ attributes }) => attributes["ci.image.role"] === "build")?.status,
      "error",
    );
  });

  test("a helper image of the configuration's is spoken of in the log, and one of ours is not", async () => {
    const ours = helperImageName((await scene.engine.version()).Arch);
    const tag = { repo: "jobscope-test-helper", tag: scene.projectId.toString() };
    const own = `${tag.repo}:${tag.tag}`;
    await scene.engine.getImage(ours).tag(tag);
    try {
      const configured = await scene.run({ docker: { helper_image: own } });
      assert.deepEqual(configured.verdict, { state: "success" }, configured.text);
      assert.match(
        configured.text,
        new RegExp(
          `\\nUsing helper image:  ${own}  \\(overridden, default would be  ${ours} \\)\\n` +
            `Using effective pull policy of \\[never\\] for container ${own}\\n`,
        ),
      );
      assert.doesNotMatch((await scene.run({})).text, /helper/);
    } finally {
      await scene.engine.getImage(own).remove();
    }
  });

  test("the configuration's image is that of jobs which name none", async () => {
    const { verdict, text } = await scene.run({ image: { name: "" }, docker: { image: scene.image } });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(text, /Using default image\n/);
  });
});
