import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { aJob, type JobWishes } from "./support/a-job.ts";
import { aRepository } from "./support/a-repository.ts";
import { createJobBench, type JobBench } from "./support/run-a-job.ts";

/** Where the shells of these jobs are looked for. */
const isInstalled = ["/usr/local/bin", "/usr/bin", "/bin"].some((directory) =>
  existsSync(path.join(directory, "pwsh")),
);

describe("jobs in PowerShell", () => {
  let bench: JobBench;

  before(async () => {
    bench = await createJobBench();
  });

  after(() => bench[Symbol.asyncDispose]());

  const run = (wishes: JobWishes) => bench.run(aJob(wishes), { runner: { shell: "pwsh" } });

  test("a runner without PowerShell fails its job by its configuration, before anything runs", {
    skip: isInstalled && "pwsh is installed",
  }, async () => {
    const { verdict, text } = await run({});
    assert.deepEqual(verdict, {
      state: "failed",
      failureReason: "runner_configuration_error",
      message: 'the shell "pwsh" is not installed: there is no such program in PATH',
    });
    assert.equal(text.includes("Preparing environment"), false);
  });

  test("Windows PowerShell is refused by name", { skip: process.platform === "win32" && "on Windows" }, async () => {
    const { verdict } = await bench.run(aJob(), { runner: { shell: "powershell" } });
    assert.equal(verdict.state === "failed" && verdict.failureReason, "runner_configuration_error");
    assert.match(verdict.state === "failed" ? verdict.message : "", /"powershell" is Windows PowerShell.*"pwsh"/);
  });

  describe("really", { skip: !isInstalled && "pwsh is not installed on this machine" }, () => {
    test("variables arrive as they are, in the environment and as PowerShell's own", async () => {
      const value = "a 'b' \"c\" $d `e\té ’ \u{1f600}";
      const { text, verdict } = await run({
        variables: { VALUE: { value, isRaw: true }, KEY: { value: "secret\nfile", isFile: true } },
        script: ['[Console]::WriteLine("<$env:VALUE|$VALUE>")', "Get-Content $KEY"],
      });
      assert.equal(verdict.state, "success", text);
      assert.ok(text.includes(`\n<${value}|${value}>\n`));
      assert.match(text, /\nsecret\nfile\n/);
    });

    for (const { name, script, exitCode } of [
      { name: "a native command that fails", script: ["sh -c 'exit 7'", "echo never"], exitCode: 7 },
      { name: "exit", script: ["exit 9", "echo never"], exitCode: 9 },
      { name: "an error that nobody catches", script: ["throw 'x'", "echo never"], exitCode: 1 },
      { name: "a cmdlet that fails", script: ["Get-Item /no/such/thing", "echo never"], exitCode: 1 },
      { name: "a text that is no PowerShell", script: ["if ($true) {", "echo never"], exitCode: 1 },
    ]) {
      test(`${name} ends the script with ${exitCode}`, async () => {
        const { verdict, text } = await run({ script, afterScript: ['[Console]::WriteLine("after $CI_JOB_STATUS")'] });
        assert.equal(verdict.state === "failed" && verdict.exitCode, exitCode, text);
        assert.equal(/^never$/m.test(text), false);
        if (name !== "a text that is no PowerShell") assert.match(text, /\nafter failed\n/);
      });
    }

    test("return ends the script, and the job goes on", async () => {
      const { verdict, text } = await run({ script: ["if ($true) { return }", "echo never"] });
      assert.equal(verdict.state, "success", text);
      assert.equal(/^never$/m.test(text), false);
    });

    test("sources, GITLAB_ENV and the clean-up work", async () => {
      const repository = aRepository(path.join(bench.directory, "repository"));
      const { text, verdict } = await run({
        git: { repositoryUrl: repository.url, sha: repository.sha },
        variables: { GIT_STRATEGY: "clone", FF_ENABLE_JOB_CLEANUP: "true" },
        script: ["Get-Content a.txt", '"HANDED=on" >> $env:GITLAB_ENV'],
        afterScript: ['[Console]::WriteLine("<$env:HANDED>")'],
      });
      assert.equal(verdict.state, "success", text);
      assert.match(text, /\na\n[\s\S]*\n<on>\n/);
    });
  });
});
