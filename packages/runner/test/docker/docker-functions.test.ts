// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the expressions of functions look like that
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { skipWithoutEngine } from "../../../../test/support/docker-engine.ts";
import { JobInterruption } from "../../src/job/job-interruption.ts";
import { aRepository } from "../support/a-repository.ts";
import { greetFunction, twiceFunction } from "../support/functions.ts";
import { startGitHttpServer } from "../support/git-http-server.ts";
import { createDockerScene, type DockerScene, type DockerWishes } from "./support/docker-scene.ts";

describe("a run: job in a container", { skip: skipWithoutEngine }, () => {
  let scene: DockerScene;

  before(async () => {
    scene = await createDockerScene();
  });

  after(async () => {
    await scene[Symbol.asyncDispose]();
  });

  function run(steps: readonly object[], wishes: DockerWishes = {}, options: Parameters<DockerScene["run"]>[1] = {}) {
    return scene.run({ scriptSteps: [], run: JSON.stringify(steps), ...wishes }, options);
  }

  test("runs its steps in the job's image and directory, without the job's variables in their environment", async () => {
    const steps = [
      { name: "first", script: 'echo "in $PWD as $(id -u), MINE=<$MINE>"; echo left >file' },
      {
        name: "second",
        script: "cat file; cat ${{ vars.KEY }}; echo ${{ vars.MINE }} $GREETING",
        env: { GREETING: "hello" },
      },
    ];
    const { verdict, text } = await run(steps, {
      variables: { MINE: "a variable", KEY: { value: "content\n", isFile: true } },
    });
    assert.deepEqual(verdict, { state: "success" }, text);
    const lines = text.split("\n");
    const begin = lines.indexOf("Running step name=first");
    assert.deepEqual(lines.slice(begin, begin + 6), [
      "Running step name=first",
      "in /builds/group/demo as 0, MINE=<>",
      "Running step name=second",
      "left",
      "content",
      "a variable hello",
    ]);
  });

  test("runs scripts in an image without a shell, whose entrypoint would be something else, as its user", async () => {
    const image = await scene.makeImage(
      "nothing",
      [{ path: "app/program", from: "/bin/busybox" }],
      ["USER 1000", 'ENTRYPOINT ["/app/program", "false"]', "ENV FROM_IMAGE=yes"],
    );
    const steps = [{ name: "a", script: "id -u; ls /; echo $FROM_IMAGE; pwd; touch file && ls" }];
    const { verdict, text } = await run(steps, { image });
    assert.deepEqual(verdict, { state: "success" }, text);
    const said = text.slice(text.indexOf("Running step name=a")).split("\n");
    assert.equal(said[1], "1000");
    assert.ok(
      said.includes("app") && said.includes("yes") && said.includes("/builds/group/demo") && said.includes("file"),
    );
  });

  test("owns the project's files as the image's user when the umask is left alone", async () => {
    const steps = [{ name: "a", script: "stat -c %u . ; touch made && stat -c %u made" }];
    const { verdict, text } = await run(steps, {
      docker: { user: "1000" },
      variables: { FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR: "true" },
    });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.ok(text.includes("name=a\n1000\n1000\n"), text);
  });

  test("calls functions of its repository and of git, nested, masked, with a span for every invocation and fetch", async () => {
    const { directory } = scene.bench;
    const root = path.join(directory, "served");
    mkdirSync(root);
    const functions = aRepository(path.join(root, "functions.git"), { "say/func.yml": greetFunction });
    await using server = await startGitHttpServer(root, "user:password");
    const url = `${server.url.replace("http://", "http://user:password@")}/functions.git/.git`;
    const steps = [
      {
        name: "make",
        script: `mkdir -p greet twice; cat >greet/func.yml <<'END'\n${greetFunction.replaceAll("${{", "\\${{")}END\ncat >twice/func.yml <<'END'\n${twiceFunction}END\n`,
      },
      { name: "top", script: "echo parent=$TRACEPARENT" },
      { name: "nested", func: "./twice" },
      { name: "fetched", func: { git: { url, rev: functions.sha, dir: "say" } }, inputs: { who: "sensitive-value" } },
      { name: "used", script: "echo got ${{ steps.fetched.outputs.greeting }}" },
      { name: "bad", script: "exit 4" },
      { name: "never", script: "echo never" },
    ];
    const { verdict, text, trace } = await run(steps);
    assert.partialDeepStrictEqual(verdict, { state: "failed", failureReason: "script_failure", exitCode: 4 });
    assert.equal(text.match(/^hello \[MASKED\]$/gm)?.length, 2, text);
    assert.ok(text.includes("got hi\n") && !text.includes("name=never"));
    assert.ok(!JSON.stringify(trace.spans).match(/sensitive-value|password/));
    const [top] = trace.named("top");
    assert.ok(text.includes(`parent=00-${trace.jobTrace.traceId}-${top?.spanId}-01\n`), text);
    const nameOf = (spanId: string | undefined) =>
      spanId === trace.jobTrace.spanId ? "job" : trace.spans.find((span) => span.spanId === spanId)?.name;
    const shown = trace.spans
      .filter(({ name, attributes }) => name === "fetch_function" || attributes["ci.function.name"] !== undefined)
      .map(({ name, parentSpanId, status, attributes }) =>
        [
          name,
          "<",
          nameOf(parentSpanId),
          attributes["ci.function.type"],
          attributes["ci.function.exit_code"],
          status,
        ].join(" "),
      );
    assert.deepEqual(shown, [
      "make < job script 0 ok",
      "top < job script 0 ok",
      "inner < nested script 0 ok",
      "outer_secret < nested exec 0 ok",
      "nested < job run  ok",
      "fetch_function < fetched   ok",
      "fetched < job exec 0 ok",
      "used < job script 0 ok",
      "bad < job script 4 error",
    ]);
  });

  test("lets the stages after it see what its steps left, as script jobs do", async () => {
    const steps = [{ name: "a", script: "mkdir -p out; echo made >out/file" }];
    const cache = {
      key: "k",
      includesUntracked: false,
      paths: ["out"],
      when: "always",
      policy: "push",
      fallbackKeys: [],
    } as const;
    const { verdict, text } = await run(steps, { caches: [cache] });
    assert.deepEqual(verdict, { state: "success" }, text);
    assert.match(text, /out: found 2 matching/);
  });

  test("canceled by a user, ends the running step and leaves nothing", async () => {
    const steps = [
      { name: "stuck", script: "sleep 661 & echo begun; wait" },
      { name: "never", script: "true" },
    ];
    const canceling = new AbortController();
    const { verdict, text, trace } = await run(
      steps,
      {},
      {
        cancelSignal: canceling.signal,
        onLog: (said) => {
          if (said.includes("begun\n")) canceling.abort(new JobInterruption("coordinator-cancel", "canceled"));
        },
      },
    );
    assert.partialDeepStrictEqual(verdict, { state: "failed", failureReason: "job_canceled" });
    assert.ok(!text.includes("name=never"));
    assert.equal(trace.named("stuck")[0]?.attributes["ci.function.status"], "failed");
    await scene.bench.executor[Symbol.asyncDispose]();
    assert.deepEqual(await scene.leftovers(), []);
  });
});
