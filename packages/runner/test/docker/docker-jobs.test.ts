import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { busyboxFiles, skipWithoutEngine } from "../../../../test/support/docker-engine.ts";
import { JobInterruption } from "../../src/job/job-interruption.ts";
import { aRepository } from "../support/a-repository.ts";
import { aTrace } from "../support/a-trace.ts";
import { startGitHttpServer } from "../support/git-http-server.ts";
import { createDockerScene, type DockerScene } from "./support/docker-scene.ts";

const aCache = {
  ...{ key: "deps", includesUntracked: false, paths: ["file"], when: "on_success", policy: "", fallbackKeys: [] },
} as const;

describe("jobs in containers", { skip: skipWithoutEngine }, () => {
  let scene: DockerScene;

  before(async () => {
    scene = await createDockerScene();
  });

  after(async () => {
    await scene[Symbol.asyncDispose]();
    assert.deepEqual(await scene.leftovers(), [], "nothing of the jobs is left on the engine");
  });

  test("a job runs in its image, and its log is the one of GitLab's runner", async () => {
    const { verdict, text } = await scene.run({
      script: ["head -1 /etc/group", "pwd", "echo to stderr >&2"],
      afterScript: ["echo after $CI_JOB_STATUS"],
    });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(text, /Preparing the "docker" executor\nUsing Docker executor with image \S+\/busybox:1 \.\.\.\n/);
    assert.match(text, /Using effective pull policy of \[never\] for container \S+\/busybox:1\n/);
    assert.match(text, /Using docker image sha256:[0-9a-f]{64} for \S+\/busybox:1 \.\.\.\n/);
    assert.match(text, /Running on runner-abc123def-project-\d+-concurrent-0 via \S+\.\.\.\n/);
    // The engine carries both streams apart: what goes to the one may overtake the other.
    const stdout = text.replace("\nto stderr\n", "\n");
    assert.notEqual(stdout, text);
    assert.match(stdout, /\$ head -1 \/etc\/group\nroot:x:0:\n\$ pwd\n\/builds\/group\/demo\n/);
    assert.match(text, /after success\n/);
  });

  test("state of the build container stays between its stages, background processes do not", async () => {
    const { verdict, text } = await scene.run({
      scriptSteps: [
        { name: "script", script: ["echo kept > /tmp/state", "sleep 300 & echo $! > /tmp/pid"] },
        {
          name: "more",
          script: ["cat /tmp/state", "test ! -d /proc/$(cat /tmp/pid)/cwd || ps | grep -c 'sleep 300' || true"],
        },
      ],
    });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(text, /\nkept\n/);
    assert.doesNotMatch(text, /\n[1-9]\n/);
  });

  test('with shell = "pwsh" the scripts are PowerShell, for the image\'s own, and our stages are not', async () => {
    // What is not to be had here is told by what it is given.
    const pwsh = { path: "bin/pwsh", text: "#!/bin/sh\necho started with $*\ncat\n" };
    const image = await scene.makeImage("pwsh", [...busyboxFiles, pwsh]);
    const variables = { GIT_STRATEGY: "empty" };
    const { verdict, text } = await scene.run({ image, shell: "pwsh", variables, script: ["Get-Date"] });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(text, /\nstarted with -NoProfile -NoLogo -NonInteractive -Command -\n#!\/usr\/bin\/env pwsh\n/);
    assert.match(text, /& \(\[scriptblock\]::Create\(".*`nGet-Date`n/);
    const without = await scene.run({ shell: "pwsh", variables, script: ["Get-Date"] });
    assert.equal(without.verdict.state === "failed" && without.verdict.failureReason, "runner_configuration_error");
    assert.match(without.text, /it has no shell \("pwsh"\) to run it with/);
  });

  test("each script line has a span where the policy wants it", async () => {
    const script = ["export A=1", "(exit 3) || echo $A", "exit 9"];
    const recorded = aTrace({ commandSpans: true });
    const options = { commandSpans: true, jobTrace: recorded.jobTrace };
    await scene.run({ script, variables: { GIT_STRATEGY: "empty" } }, options);
    assert.deepEqual(
      recorded
        .named("command")
        .map(({ attributes }) => [attributes["ci.command.text"], attributes["ci.command.exit_code"]]),
      script.map((text, index) => [text, index === 2 ? 9 : 0]),
    );
  });

  test("sources are fetched in the helper, kept for the next job of the project, and their span says what that cost", async () => {
    const directory = path.join(scene.bench.directory, "served");
    const repository = aRepository(path.join(directory, "group/demo.git"), { "a.txt": "of the repository\n" });
    await using server = await startGitHttpServer(directory, "gitlab-ci-token:glcbt-64_job-token-of-the-test");
    const wishes = {
      git: {
        repositoryUrl: server.url
          .replace("//", "//gitlab-ci-token:glcbt-64_job-token-of-the-test@")
          .concat("/group/demo.git"),
        sha: repository.sha,
      },
      variables: { GIT_STRATEGY: "fetch" },
      script: ["cat a.txt", "echo mine >> a.txt"],
      docker: { helper_network_mode: "host" },
    };
    const first = await scene.run(wishes);
    assert.deepEqual(first.verdict, { state: "success" }, first.text);
    assert.match(first.text, /Created fresh repository\.\n[\s\S]*\nof the repository\n/);
    const [span] = first.trace.named("get_sources");
    assert.equal(span?.status, "ok");
    assert.ok(Number(span.attributes["ci.stage.cpu_time_s"]) > 0);
    const second = await scene.run(wishes);
    assert.deepEqual(second.verdict, { state: "success" }, second.text);
    assert.match(second.text, /Reinitialized existing Git repository/);
    assert.doesNotMatch(second.text, /\nmine\n/);
    await removeVolumes(scene);
  });

  test("a script that fails fails the job with its exit code", async () => {
    const { verdict, text, trace } = await scene.run({ script: ["exit 7"], afterScript: ["echo $CI_JOB_STATUS"] });
    assert.deepEqual(verdict, {
      state: "failed",
      failureReason: "script_failure",
      message: "exit code 7",
      exitCode: 7,
    });
    assert.match(text, /failed\n/);
    assert.match(text, /ERROR: Job failed: exit code 7\n$/);
    const [span] = trace.named("step_script");
    assert.equal(span?.attributes["ci.stage.exit_code"], 7);
    assert.equal(span?.status, "error");
  });

  test("variables and files of the job are in the container", async () => {
    const { verdict, text } = await scene.run({
      variables: { GREETING: "hello $NAME", NAME: "you", CERT: { value: "inside", isFile: true } },
      script: ["echo $GREETING", "cat $CERT", "env | grep ^CI_DISPOSABLE"],
    });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(text, /\nhello you\n/);
    assert.match(text, /\ninside/);
    assert.match(text, /CI_DISPOSABLE_ENVIRONMENT=true/);
  });

  test("a user of the image who is not root can write to the project directory", async () => {
    const image = await scene.makeImage("app", busyboxFiles, ["USER app"]);
    const { verdict, text } = await scene.run({ image, script: ["id -u", "echo x > file", "ls -d file"] });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(text, /\n1000\n/);
  });

  test("an entrypoint of the image is kept, one of the job's replaces it", async () => {
    const files = [...busyboxFiles, { path: "entry", text: '#!/bin/sh\necho from the entrypoint\nexec "$@"\n' }];
    const image = await scene.makeImage("entry", files, ['ENTRYPOINT ["/entry"]']);
    const kept = await scene.run({ image });
    assert.match(kept.text, /\nfrom the entrypoint\n/);
    const replaced = await scene.run({
      image: { name: image, entrypoint: ["env", "WRAPPED=yes"] },
      script: ["echo w=$WRAPPED"],
    });
    assert.doesNotMatch(replaced.text, /from the entrypoint/);
    assert.match(replaced.text, /\nw=yes\n/);
    const refused = await scene.run({
      image: { name: image, entrypoint: ["env", "WRAPPED=yes"] },
      docker: { disable_entrypoint_overwrite: true },
    });
    assert.match(refused.text, /WARNING: Entrypoint override disabled\n/);
    assert.match(refused.text, /\nfrom the entrypoint\n/);
  });

  test("a cancelled script is ended within its container, and after_script runs in another", async () => {
    const cancel = new AbortController();
    const { verdict, text } = await scene.run(
      {
        script: ["trap 'echo asked to end; exit 3' TERM; echo ready; while :; do sleep 0.1; done"],
        afterScript: ["echo $CI_JOB_STATUS"],
      },
      {
        cancelSignal: cancel.signal,
        onLog: (log) => {
          if (/^ready$/m.test(log)) cancel.abort(new JobInterruption("coordinator-cancel", "canceled"));
        },
      },
    );
    assert.equal(verdict.state === "failed" && verdict.failureReason, "job_canceled", text);
    assert.match(text, /asked to end\n/);
    assert.match(text, /\ncanceled\n/);
  });

  test("a timeout ends the job and its container", async () => {
    const { verdict } = await scene.run({ timeoutMs: 1_500, script: ["sleep 300"] });
    assert.equal(verdict.state === "failed" && verdict.failureReason, "job_execution_timeout");
  });

  test("a stage whose container was removed is run again in another when the job wants it", async () => {
    const removal = Promise.withResolvers<void>();
    const { verdict, text } = await scene.run(
      {
        variables: { EXECUTOR_JOB_SECTION_ATTEMPTS: "2" },
        script: ["if mkdir ../first 2>/dev/null; then echo first; sleep 300; fi", "echo second"],
      },
      {
        onLog: (log) => {
          if (/^first$/m.test(log)) removeContainer(scene, "build").then(removal.resolve, removal.reject);
        },
      },
    );
    await removal.promise;
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(
      text,
      /ERROR: Container "[0-9a-f]{64}" not found or removed\. Will retry\.\.\.\nRetrying step_script\n/,
    );
  });

  for (const attempts of ["1", "2"]) {
    const ending = attempts === "1" ? "costs that stage alone" : "is made again when the job wants it";
    test(`a helper container that was removed between its stages ${ending}`, async () => {
      const removal = Promise.withResolvers<void>();
      const { verdict, text } = await scene.run(
        {
          variables: { EXECUTOR_JOB_SECTION_ATTEMPTS: attempts, GIT_STRATEGY: "none" },
          script: ["echo at work", "until [ -e /go-on ]; do sleep 0.02; done", "echo built > file"],
          caches: [aCache],
        },
        {
          onLog: (log) => {
            if (!/^at work$/m.test(log)) return;
            removeContainer(scene, "predefined")
              .then(() => touchInBuildContainer(scene, "/go-on"))
              .then(removal.resolve, removal.reject);
          },
        },
      );
      await removal.promise;
      assert.deepEqual(verdict, { state: "success" }, text);
      assert.match(
        text,
        attempts === "1"
          ? /FATAL: the helper container [0-9a-f]{12} was removed while it was used/
          : /ERROR: Container "[0-9a-f]{64}" not found or removed\. Will retry\.\.\.\nRetrying the stage/,
      );
    });
  }
});

async function containerOf({ engine, leftovers }: DockerScene, type: "build" | "predefined") {
  const name = (await leftovers()).find((one) => one.endsWith(`-${type}`));
  return engine.getContainer(name?.slice(1) ?? "");
}

async function removeContainer(scene: DockerScene, type: "build" | "predefined"): Promise<void> {
  const container = await containerOf(scene, type);
  await container.remove({ force: true });
}

async function touchInBuildContainer(scene: DockerScene, file: string): Promise<void> {
  const container = await containerOf(scene, "build");
  const exec = await container.exec({ Cmd: ["touch", file] });
  const answer = await exec.start({ Detach: true });
  answer.resume();
}

/** Those that outlive their jobs. */
async function removeVolumes({ engine, leftovers, bench }: DockerScene): Promise<void> {
  await bench.executor[Symbol.asyncDispose]();
  for (const name of await leftovers()) await engine.getVolume(name).remove({ force: true });
}
