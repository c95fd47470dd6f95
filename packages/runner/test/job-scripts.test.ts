import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { aJob, type JobWishes } from "./support/a-job.ts";
import { createJobBench, type JobBench, type RunOptions } from "./support/run-a-job.ts";

describe("the scripts of a job", () => {
  let bench: JobBench;

  before(async () => {
    bench = await createJobBench();
  });

  after(() => bench[Symbol.asyncDispose]());

  const run = (wishes: JobWishes, options?: RunOptions) => bench.run(aJob(wishes), options);

  for (const shell of ["bash", "sh"] as const) {
    test(`every value of a variable reaches a script in ${shell} as it is`, async () => {
      const value = fc.string({ unit: "grapheme", maxLength: 30 }).map((text) => text.replaceAll("\0", ""));
      const property = fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 20 }), async (values) => {
        const variables = Object.fromEntries(values.map((text, index) => [`V${index}`, { value: text, isRaw: true }]));
        const print = values.map((_, index) => `printf '<%s>' "$V${index}" | od -An -v -tx1 | tr -d ' \\n'; echo`);
        const { text } = await run({ variables, script: ["echo start", ...print] }, { runner: { shell } });
        const seen = text.match(/^3c[0-9a-f]*3e$/gm);
        assert.deepEqual(
          seen,
          values.map((one) => Buffer.from(`<${one}>`).toString("hex")),
        );
      });
      await fc.assert(property, { numRuns: 5 });
    });

    test(`${shell} runs entries in one shell, stops at the first failure and keeps its code`, async () => {
      const script = ["cd /", "export A=1", "f() { echo f-$A; }", "f; pwd", "sh -c 'exit 12'", "echo never"];
      const { verdict, text } = await run({ script }, { runner: { shell } });
      assert.equal(verdict.state === "failed" && verdict.exitCode, 12);
      assert.match(text, /\nf-1\n\/\n\$ sh -c 'exit 12'\n/);
      assert.equal(text.includes("never"), false);
    });
  }

  test("a failing command of a pipe fails the script, in bash", async () => {
    const { verdict } = await run({ script: ["false | cat"] });
    assert.equal(verdict.state, "failed");
  });

  test("a script that is killed says by what", async () => {
    const { verdict } = await run({ script: ["kill -9 $$"] });
    assert.deepEqual(verdict, {
      state: "failed",
      failureReason: "script_failure",
      message: "signal: killed",
      exitCode: -1,
    });
  });

  test("commands of the script have no standard input", async () => {
    const { text } = await run({ script: ["cat | wc -c", "read x || echo none"] });
    assert.match(text, /\n0\n[\s\S]*\nnone\n/);
  });

  /** Source: runner-protocol.md §3.6. */
  const shown = [
    { entry: "  echo a  ", shows: "$ echo a\na\n" },
    { entry: "", shows: "\n" },
    { entry: "echo a\necho b", shows: "$ echo a # collapsed multi-line command\na\nb\n" },
    { entry: "echo 'it''s' \\\\n", shows: "$ echo 'it''s' \\\\n\nits \\n\n" },
    { entry: "# only a comment", shows: "$ # only a comment\n" },
  ];
  for (const { entry, shows } of shown) {
    test(`${JSON.stringify(entry)} is shown and run`, async () => {
      const { text } = await run({ script: ["echo begin", entry, "echo end"] });
      assert.ok(text.includes(`$ echo begin\nbegin\n${shows}$ echo end\nend\n`), text);
    });
  }

  test("FF_SCRIPT_SECTIONS shows the text of several lines in a section", async () => {
    const { log } = await run({ script: ["echo a\necho b"], variables: { FF_SCRIPT_SECTIONS: "true" } });
    const section = "section_script_step_0";
    assert.match(log, new RegExp(`section_start:\\d+:${section}\\[hide_duration=true,collapsed=true\\]\\r`));
    assert.match(log, /\$ echo a\necho b[^\n]*\nsection_end:\d+:section_script_step_0\r/);
  });

  test("pre- and post-build scripts of the runner frame the step, not after_script", async () => {
    const runner = { preBuildScript: "echo before", postBuildScript: "echo behind" };
    const { text } = await run({ script: ["echo step"], afterScript: ["echo after"] }, { runner });
    assert.match(text, /\nbefore\n\$ echo step\nstep\n\$ echo behind\nbehind\n/);
    assert.equal(text.match(/^before$/gm)?.length, 1);
  });

  test("steps run in order under their own names; after_script last", async () => {
    const scriptSteps = [
      { name: "script", script: ["echo 1"] },
      { name: "Release", script: ["echo 2"] },
      { name: "after_script", script: ["echo 3"] },
    ];
    const { text } = await run({ scriptSteps });
    assert.match(text, /Executing "step_script"[\s\S]*\n1\nExecuting "step_release"[\s\S]*\n2\nRunning after_script\n/);
  });

  test("GITLAB_ENV hands variables to later stages", async () => {
    const script = ['printf "A=with blanks\\nB=2" >> "$GITLAB_ENV"', "echo [$A]"];
    const { text } = await run({ script, afterScript: ["echo [$A] [$B]"] });
    assert.match(text, /\n\[\]\n[\s\S]*\n\[with blanks\] \[2\]\n/);
  });

  test("the variables of runner-protocol.md §3.2 are there, in their order of precedence", async () => {
    const names = [
      "CI_SERVER",
      "CI_CONCURRENT_ID",
      "CI_JOB_TIMEOUT",
      "CI_SHARED_ENVIRONMENT",
      "FF_TIMESTAMPS",
      "FROM_RUNNER",
    ];
    const script = [`for n in ${names.join(" ")}; do eval "echo $n=\\$$n"; done; echo "$CI_PROJECT_DIR|$PWD"`];
    const runner = {
      environment: [
        { key: "FROM_RUNNER", value: "$CI_SERVER" },
        { key: "CI_SERVER", value: "no" },
      ],
    };
    const { text } = await run(
      { script, variables: { CI_SHARED_ENVIRONMENT: "mine", CI_SERVER: "job's" } },
      { runner },
    );
    for (const line of ["CI_SERVER=job's", "CI_CONCURRENT_ID=0", "CI_JOB_TIMEOUT=60", "CI_SHARED_ENVIRONMENT=true"]) {
      assert.ok(text.includes(`${line}\n`), `${line} in ${text}`);
    }
    assert.match(text, /\nFROM_RUNNER=job's\n/);
    const [, project, directory] = /\n(\/\S+)\|(\/\S+)\n/.exec(text) ?? [];
    assert.equal(project, directory);
  });

  test("CI_DEBUG_TRACE shows what the shell does", async () => {
    const { text } = await run({ script: ["echo traced"], variables: { CI_DEBUG_TRACE: "true" } });
    assert.match(text, /\+ echo traced\n/);
  });

  test("FF_ENABLE_BASH_EXIT_CODE_CHECK notices what errexit does not", async () => {
    const script = ["set +e", "false", "echo on"];
    assert.equal((await run({ script })).verdict.state, "success");
    const checked = await run({ script, variables: { FF_ENABLE_BASH_EXIT_CODE_CHECK: "true" } });
    assert.equal(checked.verdict.state, "failed");
  });

  for (const { flag, exitCode } of [
    // bash loses the code of what fails in a pipeline's subshell, there as in the recordings of runner 15.4.
    { flag: "FF_USE_LEGACY_BASH_EVAL", exitCode: 1 },
    { flag: "FF_POSIXLY_CORRECT_ESCAPES", exitCode: 4 },
  ]) {
    test(`with ${flag} scripts do the same`, async () => {
      const { verdict, text } = await run({ script: ["echo 'a \"b\" $c'", "(exit 4)"], variables: { [flag]: "true" } });
      assert.equal(verdict.state === "failed" && verdict.exitCode, exitCode);
      assert.match(text, /\na "b" \$c\n/);
    });
  }

  test("a job log beyond its limit ends with a notice, and the job goes on", async () => {
    const { text, verdict } = await run(
      { script: ["head -c 100000 /dev/zero | tr '\\0' x"] },
      { runner: { outputLimitBytes: 5_000 } },
    );
    assert.equal(verdict.state, "success");
    assert.match(
      text,
      /Job's log exceeded limit of 5000 bytes\.\nJob execution will continue but no more output will be collected\.\n$/,
    );
  });

  test("binary output and lines without end arrive, repaired", async () => {
    const { log } = await run({
      script: ["printf '\\377\\376'; head -c 20000 /dev/zero | tr '\\0' y"],
      variables: { FF_TIMESTAMPS: "true" },
    });
    assert.match(log, /01O \ufffd\ufffdy+\n/);
    assert.ok((log.match(/y/g)?.length ?? 0) >= 20_000);
  });

  test("secrets stay out of the log however they are printed, on both streams", async () => {
    const variables = { SECRET: { value: "s3cr3t-value", isMasked: true } };
    const script = ["echo $SECRET; echo $SECRET >&2", "printf 's3cr3t'; sleep 0.05; printf -- '-value\\n'"];
    const { log } = await run({ script, variables });
    assert.equal(log.includes("s3cr3t-value"), false);
    assert.equal(log.match(/\[MASKED\]/g)?.length, 3);
  });

  test("inputs are interpolated before the first line of the log, which is all there is when that fails", async () => {
    const inputs = [{ key: "name", type: "string", content: "web", isSensitive: false }] as const;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: expressions of job inputs look like that.
    const good = await run({ inputs, script: ["echo [${{ job.inputs.name }}]"] });
    assert.match(good.text, /\$ echo \[web\]\n\[web\]\n/);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the same.
    const bad = await run({ inputs, script: ["echo ${{ job.inputs.nope }}"] });
    assert.equal(bad.verdict.state === "failed" && bad.verdict.failureReason, "runner_configuration_error");
    assert.match(bad.text, /^\S+ 00O ERROR: Job failed: failed to interpolate job inputs: script\[0\]: [^\n]*\n$/);
    const off = { FF_ENABLE_JOB_INPUTS_INTERPOLATION: "false" };
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the same.
    const untouched = await run({ inputs, variables: off, script: ["echo '${{ job.inputs.name }}'"] });
    assert.match(untouched.text, /\n\$\{\{ job\.inputs\.name \}\}\n/);
  });
});
