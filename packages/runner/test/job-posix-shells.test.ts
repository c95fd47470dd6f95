import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { aJob, type JobWishes } from "./support/a-job.ts";
import { aRepository, type Repository } from "./support/a-repository.ts";
import { aTrace } from "./support/a-trace.ts";
import { createJobBench, type JobBench } from "./support/run-a-job.ts";

/** Shells that are no bash, as machines and images have them. */
const shells = [
  /** Debian's `sh`, beside GNU's programs. */
  { name: "dash", program: "/usr/bin/dash", isAlone: false },
  /** That of Alpine and of helper images: beside git there is nothing but busybox. */
  { name: "busybox", program: "/bin/busybox", isAlone: true },
];

for (const { name, program, isAlone } of shells) {
  describe(`scripts in ${name}`, { skip: !existsSync(program) && `${program} is not installed` }, () => {
    let place: string;
    let bench: JobBench;
    let repository: Repository;

    before(async () => {
      place = await mkdtemp(path.join(tmpdir(), "jobscope-shells-"));
      const programs = path.join(place, "bin");
      await mkdir(programs);
      const names = isAlone ? execFileSync(program, ["--list"]).toString().trim().split("\n") : ["sh"];
      for (const applet of names) await symlink(program, path.join(programs, applet));
      if (isAlone) await symlink("/usr/bin/git", path.join(programs, "git"));
      bench = await createJobBench({ searchPath: isAlone ? programs : `${programs}:/usr/bin:/bin` });
      const library = aRepository(path.join(place, "library"), { "lib.txt": "library\n" });
      repository = aRepository(path.join(place, "repository"), { "a.txt": "a\n" });
      repository.git("submodule", "add", "--quiet", library.url, "vendor/the library");
      repository.commit({});
    });

    after(async () => {
      await bench[Symbol.asyncDispose]();
      await rm(place, { recursive: true });
    });

    async function run(wishes: JobWishes) {
      const trace = aTrace();
      const git = { repositoryUrl: repository.url, sha: repository.sha };
      const allowed = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "protocol.file.allow", GIT_CONFIG_VALUE_0: "always" };
      const job = aJob({ ...wishes, git, variables: { ...allowed, ...wishes.variables } });
      const result = await bench.run(job, { runner: { shell: "sh" }, jobTrace: trace.jobTrace });
      return { ...result, ...trace };
    }

    test("sources with submodules, variables, files, sections, GITLAB_ENV and the clean-up work", async () => {
      const { text, log, verdict, named } = await run({
        variables: {
          GIT_STRATEGY: "fetch",
          GIT_SUBMODULE_STRATEGY: "recursive",
          GIT_SUBMODULE_PATHS: "vendor :(exclude)none",
          GIT_LFS_SKIP_SMUDGE: "true",
          FF_SCRIPT_SECTIONS: "true",
          FF_ENABLE_JOB_CLEANUP: "true",
          VALUE: { value: 'it\'s \\n $HOME "é" `x`', isRaw: true },
          KEY: { value: "of the file", isFile: true },
        },
        hooks: [{ name: "post_get_sources_script", script: ["echo hooked"] }],
        script: [
          "cat a.txt 'vendor/the library/lib.txt'",
          'cat "$KEY"; echo',
          'printf "<%s>\\n" "$VALUE"',
          "if true; then\n  echo several\n  echo lines\nfi",
          'echo "HANDED=on and on" >> "$GITLAB_ENV"',
          "touch new",
        ],
        afterScript: ['echo "$CI_JOB_STATUS: $HANDED"'],
      });
      assert.deepEqual(verdict, { state: "success" }, text);
      assert.match(text, /\nhooked\n/);
      assert.match(
        text,
        /\na\nlibrary\n[\s\S]*\nof the file\n[\s\S]*\n<it's \\n \$HOME "é" `x`>\n[\s\S]*\nseveral\nlines\n/,
      );
      assert.match(log, /section_start:\d+:section_script_step_3\[/);
      assert.match(text, /\nsuccess: on and on\n/);
      const [sources] = named("get_sources");
      assert.ok(Number(sources?.attributes["ci.git.received_bytes"]) > 0);
      const project = path.join(bench.directory, "builds/abc123def/0/project-7");
      assert.equal((await readdir(project)).includes("new"), false);
      assert.deepEqual(await readdir(`${project}.tmp`), ["git-template"]);
    });

    test("a second job fetches into what the first left, over locks, and clones anew", async () => {
      const variables = { GIT_STRATEGY: "fetch" };
      const script = ["chmod 500 . && mkdir -p .git/refs/heads && touch .git/index.lock .git/refs/heads/x.lock; ls"];
      assert.deepEqual((await run({ variables, script })).verdict, { state: "success" });
      assert.deepEqual((await run({ variables })).verdict, { state: "success" });
      assert.deepEqual((await run({ variables: { GIT_STRATEGY: "clone" } })).verdict, { state: "success" });
    });

    test("the first failure ends the script with its code, and another attempt begins with a clear work tree", {
      timeout: 30_000,
    }, async () => {
      const marker = path.join(place, "attempted");
      const hooks = [{ name: "pre_get_sources_script", script: [`[ -e ${marker} ] || { touch ${marker}; exit 1; }`] }];
      const { verdict, text } = await run({
        hooks,
        variables: {
          GIT_STRATEGY: "fetch",
          GET_SOURCES_ATTEMPTS: "2",
          FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY: "false",
        },
        script: ["f() { return 12; }", "f", "echo never"],
        afterScript: ['echo "after $CI_JOB_STATUS"'],
      });
      assert.equal(verdict.state === "failed" && verdict.exitCode, 12, text);
      assert.match(text, /Deleting tracked and untracked files\.\.\.\n[\s\S]*\nafter failed\n/);
      assert.equal(/^never$/m.test(text), false);
    });
  });
}
