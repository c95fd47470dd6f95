import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { aCertificate } from "./support/a-certificate.ts";
import { aJob, type JobWishes } from "./support/a-job.ts";
import { aRepository, type Repository } from "./support/a-repository.ts";
import { startGitHttpServer } from "./support/git-http-server.ts";
import { createJobBench, type JobBench, type RunOptions } from "./support/run-a-job.ts";

const hasGitLfs = spawnSync("git", ["lfs", "version"]).status === 0;

describe("the sources of a job", () => {
  let bench: JobBench;
  let repository: Repository;
  let library: Repository;
  let count = 0;

  before(async () => {
    bench = await createJobBench();
    library = aRepository(path.join(bench.directory, "library"), { "lib.txt": "library\n" });
    repository = aRepository(path.join(bench.directory, "served/group/demo.git"), {
      "a.txt": "a\n",
      ".gitignore": "*.log\n",
    });
  });

  after(() => bench[Symbol.asyncDispose]());

  /** Every test builds in a directory of its own, unless it says which. */
  async function run(wishes: JobWishes, options: RunOptions & { readonly builds?: string } = {}) {
    count += 1;
    const buildsDir = path.join(bench.directory, options.builds ?? `builds-${count}`);
    const job = aJob({ ...wishes, git: { repositoryUrl: repository.url, sha: repository.sha, ...wishes.git } });
    const result = await bench.run(job, { ...options, runner: { buildsDir, ...options.runner } });
    const project = path.join(buildsDir, "abc123def/0/project-7");
    return { ...result, project, temporary: `${project}.tmp` };
  }

  const fetch = { GIT_STRATEGY: "fetch" };

  test("fetch checks out the commit, detached", async () => {
    const { text, verdict } = await run({ variables: fetch, script: ["git status | head -1", "cat a.txt"] });
    assert.deepEqual(verdict, { state: "success" });
    assert.ok(text.includes(`Checking out ${repository.sha.slice(0, 8)} as detached HEAD (ref is main)...`));
    assert.match(text, /HEAD detached at/);
  });

  test("a second fetch cleans what the first job left, ignored files too", async () => {
    const builds = "builds-twice";
    await run({ variables: fetch, script: ["touch new ignored.log; echo changed > a.txt"] }, { builds });
    const { text } = await run({ variables: fetch, script: ["ls -A; cat a.txt"] }, { builds });
    assert.match(text, /Removing ignored.log\nRemoving new\n/);
    assert.match(text, /\n\.git\n\.gitignore\na\.txt\na\n/);
  });

  test("clone begins anew, whatever is there", async () => {
    const builds = "builds-clone";
    const { project } = await run({ variables: fetch, script: ["mkdir d; touch d/f; chmod 500 d"] }, { builds });
    await writeFile(path.join(project, ".git/marker"), "");
    const variables = { GIT_STRATEGY: "clone" };
    const { text, verdict } = await run({ variables, script: ["ls -A .git | grep marker || echo gone"] }, { builds });
    assert.equal(verdict.state, "success");
    assert.match(text, /gone/);
  });

  test("locks of a killed git do not stop the next one", async () => {
    const builds = "builds-locks";
    const { project } = await run({ variables: fetch }, { builds });
    for (const lock of ["index.lock", "HEAD.lock", "config.lock", "shallow.lock", "refs/heads/x.lock"]) {
      await writeFile(path.join(project, ".git", lock), "");
    }
    await mkdir(path.join(project, ".git/hooks"), { recursive: true });
    await writeFile(path.join(project, ".git/hooks/post-checkout"), "#!/bin/sh\necho hooked; exit 1\n", {
      mode: 0o755,
    });
    const { text, verdict } = await run({ variables: fetch }, { builds });
    assert.equal(verdict.state, "success");
    assert.equal(text.includes("hooked"), false);
  });

  test("empty gives an empty directory beside the others", async () => {
    const variables = { GIT_STRATEGY: "empty" };
    const { text } = await run({ variables, script: ['ls -A | wc -l; echo "$CI_PROJECT_DIR"'] });
    assert.match(text, /Skipping Git repository setup and creating an empty build directory/);
    assert.match(text, /\n0\n\S+\/project-7-empty\n/);
  });

  test("GIT_CHECKOUT=false fetches only", async () => {
    const { text } = await run({ variables: { ...fetch, GIT_CHECKOUT: "false" }, script: ["ls -A"] });
    assert.match(text, /Skipping Git checkout\n/);
    assert.match(text, /ls -A\n\.git\n/);
  });

  test("GIT_CLEAN_FLAGS=none cleans nothing, and other flags are passed on", async () => {
    const builds = "builds-clean";
    await run({ variables: fetch, script: ["touch new ignored.log"] }, { builds });
    const kept = await run({ variables: { ...fetch, GIT_CLEAN_FLAGS: "none" }, script: ["ls"] }, { builds });
    assert.match(kept.text, /a\.txt\nignored\.log\nnew\n/);
    const excluded = await run(
      { variables: { ...fetch, GIT_CLEAN_FLAGS: "-ffdx -e ignored.log" }, script: ["ls"] },
      { builds },
    );
    assert.match(excluded.text, /a\.txt\nignored\.log\nCleaning/);
  });

  test("a depth of 0 brings the whole history, also into a shallow repository", async () => {
    const first = repository.sha;
    repository.commit({ "b.txt": "b\n" });
    const builds = "builds-depth";
    const shallow = await run(
      { variables: fetch, script: ["git log --format=%h | wc -l"], git: { depth: 1 } },
      { builds },
    );
    assert.match(shallow.text, /depth set to 1\.\.\.[\s\S]*\n1\n/);
    const whole = await run({ variables: fetch, script: ["git log --format=%H"], git: { depth: 0 } }, { builds });
    assert.match(whole.text, /Fetching changes\.\.\.\n/);
    assert.ok(whole.text.includes(first));
  });

  test("GIT_FETCH_EXTRA_FLAGS take the place of the default ones", async () => {
    const { text } = await run({ variables: { ...fetch, GIT_FETCH_EXTRA_FLAGS: "--no-tags --verbose" } });
    assert.match(text, /From file:/);
  });

  test("hooks run before and after, in GitLab's order", async () => {
    const hooks = [
      { name: "pre_get_sources_script", script: ["echo job-before"] },
      { name: "post_get_sources_script", script: ["echo job-after"] },
    ];
    const runner = { preGetSourcesScript: "echo runner-before", postGetSourcesScript: "echo runner-after" };
    const { text } = await run({ variables: fetch, hooks }, { runner });
    const said = text.match(/^(?:runner|job)-(?:before|after)$/gm);
    assert.deepEqual(said, ["runner-before", "job-before", "job-after", "runner-after"]);
  });

  test("an attempt that failed is made again, after the work tree was cleared", { timeout: 30_000 }, async () => {
    const builds = "builds-attempts";
    await run({ variables: fetch }, { builds });
    const marker = path.join(bench.directory, "attempted");
    const hooks = [{ name: "pre_get_sources_script", script: [`[ -e ${marker} ] || { touch ${marker}; exit 1; }`] }];
    const variables = { ...fetch, GET_SOURCES_ATTEMPTS: "2", FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY: "false" };
    const { text, verdict } = await run({ variables, hooks }, { builds });
    assert.equal(verdict.state, "success");
    assert.match(
      text,
      /WARNING: Retrying\.\.\.\nDeleting all tracked and untracked files due to source fetch failure\n/,
    );
  });

  for (const strategy of ["normal", "recursive"]) {
    test(`GIT_SUBMODULE_STRATEGY=${strategy} brings the submodules`, async () => {
      repository.git("submodule", "add", "--force", library.url, "vendor/library");
      const sha = repository.commit({});
      const variables = { ...fetch, GIT_SUBMODULE_STRATEGY: strategy, GIT_CONFIG_COUNT: "1" };
      const allowed = { ...variables, GIT_CONFIG_KEY_0: "protocol.file.allow", GIT_CONFIG_VALUE_0: "always" };
      const { text, verdict } = await run({ variables: allowed, git: { sha }, script: ["cat vendor/library/lib.txt"] });
      assert.equal(verdict.state, "success", text);
      const how = strategy === "recursive" ? " recursively" : "";
      assert.match(text, new RegExp(`Updating/initializing submodules${how} with git depth set to 20\\.\\.\\.\\n`));
      assert.match(text, /Updated submodules\n[\s\S]*\nlibrary\n/);
      repository.git("reset", "--quiet", "--hard", "HEAD~1");
    });
  }

  describe("with Git LFS", { skip: hasGitLfs ? false : "git-lfs is not installed" }, () => {
    let large: Repository;

    before(() => {
      large = aRepository(path.join(bench.directory, "large"));
      large.git("lfs", "install", "--local");
      large.git("lfs", "track", "*.bin");
      large.commit({ "large.bin": "of the object\n" });
      assert.match(large.git("show", "HEAD:large.bin"), /^version https:\/\/git-lfs/);
    });

    /** As `git lfs install` sets it up for a whole machine. */
    const installed = {
      ...{
        GIT_CONFIG_COUNT: "2",
        GIT_CONFIG_KEY_0: "filter.lfs.process",
        GIT_CONFIG_VALUE_0: "git-lfs filter-process",
      },
      ...{ GIT_CONFIG_KEY_1: "filter.lfs.required", GIT_CONFIG_VALUE_1: "true" },
    };
    for (const { skips, first } of [
      { skips: "", first: "of the object" },
      { skips: "false", first: "of the object" },
      { skips: "true", first: "version https://git-lfs.github.com/spec/v1" },
    ]) {
      test(`GIT_LFS_SKIP_SMUDGE=${skips} gives ${first}`, async () => {
        const { text, verdict } = await run({
          variables: { ...fetch, ...installed, ...(skips === "" ? {} : { GIT_LFS_SKIP_SMUDGE: skips }) },
          git: { repositoryUrl: large.url, sha: large.sha },
          script: ["head -1 large.bin", "git status --short"],
        });
        assert.equal(verdict.state, "success", text);
        assert.ok(text.includes(`$ head -1 large.bin\n${first}\n$ git status --short\nCleaning`), text);
      });
    }
  });

  test("GIT_SUBMODULE_PATHS, GIT_SUBMODULE_DEPTH and GIT_SUBMODULE_UPDATE_FLAGS choose what is brought", async () => {
    library.commit({ "lib.txt": "newer\n" });
    const parent = aRepository(path.join(bench.directory, "parent"));
    for (const name of ["wanted", "unwanted"]) parent.git("submodule", "add", "--force", library.url, `vendor/${name}`);
    const sha = parent.commit({});
    const { text, verdict } = await run({
      variables: {
        ...{ ...fetch, GIT_SUBMODULE_STRATEGY: "normal", GIT_SUBMODULE_PATHS: "vendor :(exclude)vendor/unwanted" },
        ...{ GIT_SUBMODULE_DEPTH: "1", GIT_SUBMODULE_UPDATE_FLAGS: "--jobs 2 --no-recommend-shallow" },
        ...{ GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "protocol.file.allow", GIT_CONFIG_VALUE_0: "always" },
      },
      git: { repositoryUrl: parent.url, sha },
      script: ["ls vendor/*", "git -C vendor/wanted log --format=%h | wc -l"],
    });
    assert.equal(verdict.state, "success", text);
    assert.match(text, /Updating\/initializing submodules with git depth set to 1\.\.\.\n/);
    assert.match(text, /\nvendor\/unwanted:\n\nvendor\/wanted:\nlib\.txt\n[\s\S]*\n1\nCleaning/);
  });

  test("a submodule strategy of no meaning fails the job", async () => {
    const { verdict, text } = await run({ variables: { ...fetch, GIT_SUBMODULE_STRATEGY: "some" } });
    assert.equal(verdict.state === "failed" && verdict.message, "unknown GIT_SUBMODULE_STRATEGY");
    assert.match(text, /WARNING: GIT_SUBMODULE_STRATEGY: expected either 'normal', 'recursive' or 'none' got "some"/);
  });

  test("GIT_CLONE_PATH works where it is allowed, and not outside", async () => {
    const variables = { ...fetch, GIT_CLONE_PATH: "$CI_BUILDS_DIR/own/place" };
    const refused = await run({ variables });
    assert.equal(refused.verdict.state === "failed" && refused.verdict.failureReason, "runner_configuration_error");
    const runner = { customBuildDirEnabled: true };
    const allowed = await run({ variables, script: ["pwd"] }, { runner });
    assert.match(allowed.text, /\/own\/place\n/);
    const outside = await run({ variables: { ...fetch, GIT_CLONE_PATH: "/elsewhere" } }, { runner });
    assert.match(outside.text, /ERROR: Job failed: the GIT_CLONE_PATH="\/elsewhere" has to be within/);
  });

  for (const flag of ["false", "true"]) {
    test(`over HTTP the token is used and stays out of .git/config (FF_GIT_URLS_WITHOUT_TOKENS=${flag})`, async () => {
      const jobToken = "glcbt-64_secret-of-this-job";
      await using server = await startGitHttpServer(
        path.join(bench.directory, "served"),
        `gitlab-ci-token:${jobToken}`,
      );
      const repositoryUrl = `${server.url.replace("//", `//gitlab-ci-token:${jobToken}@`)}/group/demo.git`;
      const variables = {
        ...fetch,
        FF_GIT_URLS_WITHOUT_TOKENS: flag,
        CI_JOB_TOKEN: { value: jobToken, isMasked: true },
      };
      const builds = `builds-http-${flag}`;
      const script = ["cat .git/config", "git fetch --quiet origin && echo again", "git remote -v"];
      const { text, verdict } = await run(
        { jobToken, variables, git: { repositoryUrl }, script, correlationId: "0123abcd" },
        { builds, runner: { url: server.url } },
      );
      assert.equal(verdict.state, "success", text);
      assert.match(text, /Gitaly correlation ID: 0123abcd\n/);
      assert.match(text, /\nagain\n/);
      assert.equal(text.includes("64_secret"), false);
      const project = path.join(bench.directory, builds, "abc123def/0/group/demo");
      assert.equal((await readFile(path.join(project, ".git/config"), "utf8")).includes("secret"), false);
      assert.deepEqual(await readdir(`${project}.tmp`), ["git-template"]);
    });
  }

  test("over HTTPS the server's own authority is trusted, by git in the script too", async () => {
    const jobToken = "glcbt-64_secret-of-this-job";
    const { key, certificate } = await aCertificate(bench.directory);
    const tls = { key: await readFile(key), cert: await readFile(certificate) };
    await using server = await startGitHttpServer(
      path.join(bench.directory, "served"),
      `gitlab-ci-token:${jobToken}`,
      tls,
    );
    const repositoryUrl = `${server.url.replace("//", `//gitlab-ci-token:${jobToken}@`)}/group/demo.git`;
    const wishes = {
      jobToken,
      variables: fetch,
      git: { repositoryUrl },
      script: ["git fetch --quiet origin && echo again"],
    };
    const asked = { url: server.url, tls: { caFile: certificate, certFile: undefined, keyFile: undefined } };
    const trusted = await run(wishes, { runner: asked });
    assert.equal(trusted.verdict.state, "success", trusted.text);
    assert.match(trusted.text, /\nagain\n/);
    const unknown = await run(wishes, { runner: { url: server.url } });
    assert.equal(unknown.verdict.state, "failed");
    assert.match(unknown.text, /certificate/);
    // What the coordinator showed when it handed the job out serves as well.
    const shown = await run(
      { ...wishes, serverCertificateChain: tls.cert.toString() },
      { runner: { url: server.url } },
    );
    assert.equal(shown.verdict.state, "success", shown.text);
  });

  test("GIT_SUBMODULE_FORCE_HTTPS brings submodules with ssh addresses over HTTP, with the job's token", async () => {
    const jobToken = "glcbt-64_secret-of-this-job";
    const served = path.join(bench.directory, "served");
    aRepository(path.join(served, "group/ssh-library.git"), { "lib.txt": "library\n" });
    const parent = aRepository(path.join(served, "group/parent.git"));
    parent.git("submodule", "add", "--quiet", path.join(served, "group/ssh-library.git"), "library");
    parent.git(
      "config",
      "--file",
      ".gitmodules",
      "submodule.library.url",
      "git@gitlab.example.com:group/ssh-library.git",
    );
    const sha = parent.commit({});
    await using server = await startGitHttpServer(served, `gitlab-ci-token:${jobToken}`);
    const repositoryUrl = `${server.url.replace("//", `//gitlab-ci-token:${jobToken}@`)}/group/parent.git`;
    const { text, verdict } = await run(
      {
        jobToken,
        git: { repositoryUrl, sha },
        variables: {
          ...{ ...fetch, GIT_SUBMODULE_STRATEGY: "normal", GIT_SUBMODULE_FORCE_HTTPS: "true" },
          CI_SERVER_HOST: "gitlab.example.com",
        },
        script: ["cat library/lib.txt", "cat .git/config .git/modules/library/config"],
      },
      { runner: { url: server.url } },
    );
    assert.equal(verdict.state, "success", text);
    assert.match(text, /\nlibrary\n/);
    assert.equal(text.includes("64_secret"), false);
  });

  test("file variables and what they were written to are gone afterwards", async () => {
    const variables = { KEY: { value: "secret", isFile: true } };
    const { text, temporary } = await run({ variables, script: ['stat -c %s "$KEY"; echo A=1 >> "$GITLAB_ENV"'] });
    assert.match(text, /\n6\n/);
    await assert.rejects(access(path.join(temporary, "KEY")), { code: "ENOENT" });
    assert.deepEqual(await readdir(temporary), []);
  });

  test("FF_ENABLE_JOB_CLEANUP leaves no changes behind", async () => {
    const variables = { ...fetch, FF_ENABLE_JOB_CLEANUP: "true" };
    const { project } = await run({ variables, script: ["touch new; echo x > a.txt"] });
    assert.equal(await readFile(path.join(project, "a.txt"), "utf8"), "a\n");
    assert.equal((await readdir(project)).includes("new"), false);
  });
});
