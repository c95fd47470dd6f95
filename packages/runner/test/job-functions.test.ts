// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the expressions of functions look like that
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { markVariable } from "../src/executors/shell/process-mark.ts";
import { JobInterruption } from "../src/job/job-interruption.ts";
import { aJob, type JobWishes } from "./support/a-job.ts";
import { aRepository } from "./support/a-repository.ts";
import { aTrace } from "./support/a-trace.ts";
import { greetFunction, twiceFunction } from "./support/functions.ts";
import { startGitHttpServer } from "./support/git-http-server.ts";
import { createJobBench, type JobBench } from "./support/run-a-job.ts";

/** A `run:` job as its payload brings it. Source: runner-protocol.md §8.1. */
function aRunJob(steps: unknown, wishes: JobWishes = {}) {
  return aJob({ scriptSteps: [], run: typeof steps === "string" ? steps : JSON.stringify(steps), ...wishes });
}

const heading = 'Executing "step_run" stage of the job script';
const failedCache = "Saving cache for failed job";
const failedArtifacts = "Uploading artifacts for failed job";
const cleanup = "Cleaning up project directory and file based variables";
const withEverything: JobWishes = {
  caches: [{ key: "k", includesUntracked: false, paths: ["x"], when: "always", policy: "push", fallbackKeys: [] }],
  artifacts: [
    {
      ...{ name: "", includesUntracked: false, paths: ["x"], exclude: [], when: "always" },
      ...{ type: "archive", format: "zip", expireIn: "" },
    },
  ],
};

describe("a run: job", () => {
  let bench: JobBench;

  before(async () => {
    bench = await createJobBench({ graceMs: 400 });
  });

  after(() => bench[Symbol.asyncDispose]());

  test("runs its steps in order in the project directory, without the job's variables in their environment", async () => {
    const job = aRunJob(
      [
        { name: "first", script: 'echo "in $PWD, MINE=<$MINE>"' },
        { name: "second", script: "echo ${{ vars.MINE }} $GREETING", env: { GREETING: "hello" } },
      ],
      { variables: { MINE: "a variable" } },
    );
    const { verdict, text } = await bench.run(job);
    assert.deepEqual(verdict, { state: "success" });
    const stage = text.slice(text.indexOf(heading), text.indexOf(cleanup)).split("\n").slice(1, -1);
    const project = /in (\/\S+),/.exec(text)?.[1] ?? "";
    assert.deepEqual(stage, [
      "Running step name=first",
      `in ${project}, MINE=<>`,
      "Running step name=second",
      "a variable hello",
    ]);
    assert.ok(project.endsWith("/group/demo"));
    assert.ok(text.endsWith("Job succeeded\n"));
  });

  test("writes a section named step_run", async () => {
    const { log } = await bench.run(aRunJob([{ name: "a", script: "true" }]));
    assert.match(log, /section_start:\d+:step_run\r/);
    assert.match(log, /section_end:\d+:step_run\r/);
  });

  test("ends at the first step that fails, with its exit code, and the stages after scripts still run", async () => {
    const job = aRunJob(
      [
        { name: "good", script: "true" },
        { name: "bad", script: "exit 7" },
        { name: "never", script: "echo never" },
      ],
      withEverything,
    );
    const { verdict, text } = await bench.run(job);
    assert.deepEqual(verdict, {
      state: "failed",
      failureReason: "script_failure",
      exitCode: 7,
      message: 'step "bad": exec: exit code 7',
    });
    assert.deepEqual(stagesOf(text), [heading, failedCache, failedArtifacts, cleanup]);
    assert.ok(!text.includes("name=never"));
    assert.ok(text.endsWith('ERROR: Job failed: step "bad": exec: exit code 7\n'));
  });

  const refused: readonly { name: string; wishes: JobWishes; message: RegExp }[] = [
    {
      name: "that also has a script",
      wishes: { scriptSteps: [{ name: "script", script: ["echo no"] }] },
      message: /"run" and "script" cannot be used together/,
    },
    {
      name: "that also has an after_script",
      wishes: { scriptSteps: [{ name: "after_script", script: ["echo no"] }] },
      message: /cannot be used together \(step "after_script"\)/,
    },
    { name: "with a variable named STEPS", wishes: { variables: { STEPS: "[]" } }, message: /variable named STEPS/ },
  ];
  for (const { name, wishes, message } of refused) {
    test(`${name} is refused before anything runs (runner-protocol.md §8.1)`, async () => {
      const { verdict, text } = await bench.run(aRunJob([{ name: "a", script: "echo ran" }], wishes));
      assert.partialDeepStrictEqual(verdict, {
        state: "failed",
        failureReason: "runner_system_failure",
        exitCode: 3,
      });
      assert.match(text, message);
      assert.ok(!text.includes("Preparing the"));
    });
  }

  const wrong: readonly { name: string; steps: unknown; message: RegExp }[] = [
    { name: "no JSON", steps: "[{", message: /is no JSON/ },
    { name: "no list", steps: "{}", message: /Job failed: run/ },
    { name: "a step without a name", steps: [{ script: "true" }], message: /Job failed: .*name/ },
    { name: "an unknown function", steps: [{ name: "a", func: "./none" }], message: /step "a": failed to load: / },
    { name: "an action", steps: [{ name: "a", action: "actions/checkout@v4" }], message: /action/ },
    {
      name: "an expression that points nowhere",
      steps: [{ name: "a", script: "echo ${{ vars.NONE }}" }],
      message: /\^/,
    },
  ];
  for (const { name, steps, message } of wrong) {
    test(`whose list holds ${name} fails as a script does (ci-functions.md §5.4)`, async () => {
      const { verdict, text } = await bench.run(aRunJob(steps));
      assert.equal(verdict.state === "failed" && verdict.failureReason, "script_failure");
      assert.match(text, message);
    });
  }

  test("masks its variables and what its functions declare sensitive, in the log and in spans", async () => {
    const trace = aTrace({ phrases: ["masked-value"] });
    const repository = aRepository(path.join(bench.directory, "sources"), {
      "greet/func.yml": greetFunction,
      "twice/func.yml": twiceFunction,
    });
    const job = aRunJob(
      [
        { name: "shown", script: "echo sensitive-value ${{ vars.SECRET }}" },
        { name: "nested", func: "./twice" },
        { name: "hidden", script: "echo x-sensitive-value-x; exit 1" },
        { name: "never", script: "true" },
      ],
      {
        ...sourcesOf(repository),
        variables: { GIT_STRATEGY: "fetch", SECRET: { value: "masked-value", isMasked: true } },
      },
    );
    const { text } = await bench.run(job, { jobTrace: trace.jobTrace });
    const lines = text.split("\n");
    assert.ok(lines.includes("sensitive-value [MASKED]"), "nobody knows yet that it is sensitive");
    assert.ok(lines.includes("hello [MASKED]") && lines.includes("x-[MASKED]-x"), text);
    assert.ok(!JSON.stringify(trace.spans).includes("sensitive-value"));
  });

  test("has a span for every invocation, below its caller's, and TRACEPARENT names it to the processes", async () => {
    const trace = aTrace();
    const repository = aRepository(path.join(bench.directory, "traced"), {
      "greet/func.yml": greetFunction,
      "twice/func.yml": twiceFunction,
    });
    const steps = [
      { name: "top", script: "echo parent=$TRACEPARENT" },
      { name: "nested", func: "./twice" },
      { name: "bad", script: "exit 4" },
    ];
    const { text } = await bench.run(aRunJob(steps, sourcesOf(repository)), { jobTrace: trace.jobTrace });
    const [top] = trace.named("top");
    assert.ok(text.includes(`parent=00-${trace.jobTrace.traceId}-${top?.spanId}-01\n`), text);
    assert.deepEqual(
      trace.spans.filter(({ attributes }) => attributes["ci.function.name"] !== undefined).map(described),
      [
        "top < job: script script depth 0 exit 0 success ok",
        "inner < nested: script script depth 1 exit 0 success ok",
        "outer_secret < nested: ../greet exec depth 1 exit 0 success ok",
        "nested < job: ./twice run depth 0 exit undefined success ok",
        "bad < job: script script depth 0 exit 4 failed error",
      ],
    );
    const [bad] = trace.named("bad");
    assert.deepEqual(
      [bad?.message, bad?.attributes["error.type"]],
      ['step "bad": exec: exit code 4', "script_failure"],
    );
    assert.deepEqual([...trace.named("step_run"), ...trace.named("step_script")], []);

    function described(span: (typeof trace.spans)[number]): string {
      const parent = trace.spans.find(({ spanId }) => spanId === span.parentSpanId)?.name;
      const isOfJob = span.parentSpanId === trace.jobTrace.spanId;
      const about = ["name", "type", "depth", "exit_code", "status"].map(
        (key) => span.attributes[`ci.function.${key}`],
      );
      const [name, type, depth, exit, status] = about;
      return `${span.name} < ${isOfJob ? "job" : parent}: ${name} ${type} depth ${depth} exit ${exit} ${status} ${span.status}`;
    }
  });

  test("fetches a function from git once, with a span that says how many bytes came", async () => {
    const root = path.join(bench.directory, "served");
    mkdirSync(root);
    const repository = aRepository(path.join(root, "functions.git"), { "say/func.yml": greetFunction });
    await using server = await startGitHttpServer(root, "user:password");
    const host = server.url.replace("http://", "http://user:password@");
    const steps = [
      {
        name: "fetched",
        func: { git: { url: `${host}/functions.git/.git`, rev: repository.sha, dir: "say" } },
        inputs: { who: "you" },
      },
    ];
    const spans = [];
    for (let round = 0; round < 2; round += 1) {
      const trace = aTrace();
      const { verdict, text } = await bench.run(aRunJob(steps), { jobTrace: trace.jobTrace });
      assert.deepEqual(verdict, { state: "success" }, text);
      assert.ok(text.includes("hello you\n"));
      assert.ok(!JSON.stringify(trace.spans).includes("password"));
      spans.push({ fetch: trace.named("fetch_function")[0], step: trace.named("fetched")[0] });
    }
    const [first, second] = spans;
    assert.equal(first?.fetch?.parentSpanId, first?.step?.spanId);
    assert.ok(Number(first?.fetch?.attributes["ci.network.rx_bytes"]) > 0);
    assert.deepEqual(
      spans.map(({ fetch }) => fetch?.attributes["ci.resource.hit"]),
      [false, true],
    );
    assert.equal(second?.step?.attributes["ci.function.version"], repository.sha);
  });

  test("gives file variables as paths, to files that go with the job", async () => {
    const job = aRunJob([{ name: "a", script: 'cat "${{ vars.KEY }}"; echo at ${{ vars.COPY }}' }], {
      variables: { KEY: { value: "content\n", isFile: true }, COPY: "$KEY" },
    });
    const { verdict, text } = await bench.run(job);
    assert.equal(verdict.state, "success");
    const file = /content\nat (\S+)\n/.exec(text)?.[1] ?? "";
    assert.ok(file.endsWith("demo.tmp/KEY"), text);
    await assert.rejects(readFile(file));
  });

  test("writes step-results.json when CI_STEPS_DEBUG asks for it", async () => {
    const job = aRunJob([{ name: "a", script: "pwd" }], { variables: { CI_STEPS_DEBUG: "true" } });
    const { text } = await bench.run(job);
    const project = /^\/.*demo$/m.exec(text)?.[0] ?? "";
    const results = JSON.parse(await readFile(path.join(project, "step-results.json"), "utf8"));
    assert.equal(results.subStepResults[0].step.name, "a");
  });

  test("canceled by a user, ends the running step and all it started, and the later stages run", async () => {
    const steps = [
      { name: "before", script: "setsid sleep 611 & sleep 612 &" },
      { name: "stuck", script: "trap '' TERM; setsid sleep 613 & sleep 614 & echo begun; while :; do sleep 1; done" },
      { name: "never", script: "true" },
    ];
    const canceling = new AbortController();
    const trace = aTrace();
    const { verdict, text } = await bench.run(aRunJob(steps, withEverything), {
      jobTrace: trace.jobTrace,
      cancelSignal: canceling.signal,
      onLog: (said) => {
        if (said.includes("begun\n")) canceling.abort(new JobInterruption("coordinator-cancel", "canceled"));
      },
    });
    assert.partialDeepStrictEqual(verdict, { state: "failed", failureReason: "job_canceled", message: "canceled" });
    assert.deepEqual(stagesOf(text), [heading, failedCache, failedArtifacts, cleanup]);
    assert.ok(text.includes("WARNING: script canceled externally (UI, API)\n"));
    const [stuck] = trace.named("stuck");
    assert.deepEqual([stuck?.message, stuck?.attributes["ci.function.status"]], ["canceled", "failed"]);
    assert.deepEqual(await processesOfJobs(), []);
  });

  test("that takes too long is ended as timed out, and nothing runs after it", async () => {
    const trace = aTrace();
    const job = aRunJob([{ name: "slow", script: "sleep 615" }], { ...withEverything, timeoutMs: 1_500 });
    const { verdict, text } = await bench.run(job, { jobTrace: trace.jobTrace });
    assert.partialDeepStrictEqual(verdict, { state: "failed", failureReason: "job_execution_timeout" });
    assert.ok(text.includes("WARNING: step_run could not run to completion because the timeout was exceeded"));
    assert.deepEqual(stagesOf(text), [heading]);
    assert.equal(trace.named("slow")[0]?.attributes["error.type"], "job_execution_timeout");
    assert.deepEqual(await processesOfJobs(), []);
  });

  test("that succeeds leaves no process and no file of the engine", async () => {
    const before_ = await engineFiles();
    const { verdict } = await bench.run(
      aRunJob([{ name: "a", script: "setsid sleep 616 & sleep 617 & env -i sleep 618 &" }]),
    );
    assert.equal(verdict.state, "success");
    assert.deepEqual(await processesOfJobs(), []);
    assert.deepEqual(await engineFiles(), before_);
  });

  test("holds back a step that prints more than the log takes, and loses nothing", async () => {
    const { text } = await bench.run(aRunJob([{ name: "a", script: "seq 1 100000" }]));
    const numbers = text.split("\n").filter((line) => /^\d+$/.test(line));
    assert.equal(numbers.length, 100_000);
    assert.equal(numbers.at(-1), "100000");
  });
});

/** What makes a job check out that repository. */
function sourcesOf({ url, sha }: { url: string; sha: string }): Pick<JobWishes, "git" | "allowsGitFetch"> & JobWishes {
  return {
    git: { repositoryUrl: url, sha, refspecs: ["+refs/heads/main:refs/remotes/origin/main"] },
    variables: { GIT_STRATEGY: "fetch" },
  };
}

function stagesOf(text: string): string[] {
  const all = [heading, "Running after_script", failedCache, failedArtifacts, cleanup];
  return text.split("\n").filter((line) => all.includes(line));
}

/** Command lines of the `sleep`s that jobs of this test file start, wherever they are. */
async function processesOfJobs(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ").trim();
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    const isOurs = /^sleep 61\d$/.test(command) || (environment.includes(markVariable) && command.includes("sleep 61"));
    if (isOurs) found.push(command);
  }
  return found;
}

async function engineFiles(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith(`jobscope-functions-${process.pid}-`)).sort();
}
