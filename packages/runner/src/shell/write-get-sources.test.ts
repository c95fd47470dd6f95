import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aSourcesRequest, type SourcesWishes } from "../../test/support/script-requests.ts";
import { PosixWriter } from "./posix/posix-writer.ts";
import { quoteForPosix } from "./posix/quote.ts";
import { createVariableSet, plainVariable } from "./variable-set.ts";
import { writeGetSources } from "./write-get-sources.ts";

function scriptOf(wishes: SourcesWishes): string {
  const script = new PosixWriter({ quote: quoteForPosix, checksExitCodes: false });
  writeGetSources(script, aSourcesRequest(wishes));
  return script.text;
}

const [project, temporary] = ["/builds/group/demo", "/builds/group/demo.tmp"];
const external = `${temporary}/.gitlab-runner.ext.conf`;
const agent = `git -c 'http.userAgent=gitlab-runner 19.4.0 linux/amd64'`;
const fetch = `${agent} fetch origin --no-recurse-submodules '+refs/heads/main:refs/remotes/origin/main'`;
const checkout = "git -c 'submodule.recurse=false' checkout -f -q 0123456789abcdef0123456789abcdef01234567";
const submodules = { isRecursive: false, paths: [], depth: 0, updateFlags: [] };

/** Each setting, and lines that must, in this order, or must not be in the script. Source: runner-protocol.md §3.5. */
const cases: readonly {
  readonly name: string;
  readonly wishes: SourcesWishes;
  readonly lines: readonly string[];
  readonly without?: readonly string[];
}[] = [
  {
    name: "fetch, with the defaults",
    wishes: {},
    lines: [
      "export GIT_TERMINAL_PROMPT=0",
      "export GCM_INTERACTIVE=Never",
      "export GIT_LFS_SKIP_SMUDGE=1",
      `rm -f ${project}/.git/index.lock ${project}/.git/shallow.lock ${project}/.git/HEAD.lock ${project}/.git/hooks/post-checkout ${project}/.git/config.lock`,
      `export GLR_EXT_GIT_CONFIG_PATH=${external}`,
      `git init ${project} --template ${temporary}/git-template`,
      `if git remote add origin 'https://gitlab.example.com/group/demo.git' >/dev/null 2>&1; then`,
      "git remote set-url origin 'https://gitlab.example.com/group/demo.git'",
      `git config --file .git/config --replace-all include.path ${external} '\\.gitlab-runner\\.ext\\.conf$'`,
      `${fetch} --depth 20 --prune --quiet`,
      checkout,
      "git clean -ffdx",
      "if git lfs version >/dev/null 2>&1; then",
      "git lfs pull",
    ],
    without: ["--unshallow", "submodule init", "rm -rf", "safe.directory"],
  },
  {
    name: "GIT_STRATEGY=clone removes what is there, whoever may write to it",
    wishes: { settings: { strategy: "clone" } },
    lines: [
      `if [ -d ${project} ]; then chmod -R u+rwX ${project}; fi; rm -rf ${project}`,
      `git init ${project} --template ${temporary}/git-template`,
    ],
  },
  {
    name: "depth 0 completes what is shallow",
    wishes: { git: { depth: 0 } },
    lines: [
      `if [ -e ${project}/.git/shallow ]; then`,
      `${fetch} --prune --quiet --unshallow`,
      "else",
      `${fetch} --prune --quiet`,
    ],
    without: ["--depth"],
  },
  {
    name: "repo_object_format",
    wishes: { git: { objectFormat: "sha256" } },
    lines: [`git init ${project} --template ${temporary}/git-template --object-format sha256`],
  },
  {
    name: "several refspecs, as they are",
    wishes: { git: { refspecs: ["+abc:refs/pipelines/1", "+refs/tags/v 1:refs/tags/v 1"] } },
    lines: [
      `${agent} fetch origin --no-recurse-submodules '+abc:refs/pipelines/1' '+refs/tags/v 1:refs/tags/v 1' --depth 20 --prune --quiet`,
    ],
  },
  {
    name: "GIT_FETCH_EXTRA_FLAGS=none",
    wishes: { settings: { fetchFlags: [] } },
    lines: [`${fetch} --depth 20`],
    without: ["--prune"],
  },
  { name: "GIT_CLEAN_FLAGS=none", wishes: { settings: { cleanFlags: [] } }, lines: [checkout], without: ["git clean"] },
  {
    name: "GIT_CHECKOUT=false",
    wishes: { settings: { checksOut: false } },
    lines: [`${fetch} --depth 20 --prune --quiet`],
    without: ["git checkout", "checkout -f", "git clean", "lfs pull"],
  },
  {
    name: "GIT_LFS_SKIP_SMUDGE",
    wishes: { settings: { skipsLfs: true } },
    lines: [checkout],
    without: ["GIT_LFS_SKIP_SMUDGE", "git lfs"],
  },
  {
    name: "GIT_SUBMODULE_STRATEGY=normal",
    wishes: { settings: { submodules } },
    lines: [
      `find ${project}/.git/modules -type f \\( -name index.lock -o -name shallow.lock -o -name HEAD.lock -o -name post-checkout -o -name config.lock \\) -exec rm -f {} +`,
      "git submodule init",
      "git submodule sync",
      "git submodule foreach git clean -ffdx",
      "git submodule foreach git reset --hard",
      `if git -c 'include.path=${external}' submodule update --init; then`,
      "git submodule sync",
      "else",
      "git submodule sync",
      `git -c 'include.path=${external}' submodule update --init`,
      "git submodule foreach git reset --hard",
      "git submodule foreach git clean -ffdx",
      `git submodule foreach --recursive git config --replace-all include.path ${external}`,
      `git -c 'include.path=${external}' submodule foreach git lfs pull`,
    ],
    without: ["+refs/heads/*"],
  },
  {
    name: "GIT_SUBMODULE_STRATEGY=recursive with paths, depth and --remote",
    wishes: {
      settings: {
        skipsLfs: true,
        submodules: { isRecursive: true, paths: ["a", ":(exclude)b"], depth: 2, updateFlags: ["--remote", "-j", "4"] },
      },
    },
    lines: [
      "git submodule sync --recursive -- a ':(exclude)b'",
      "git submodule foreach --recursive git clean -ffdx",
      `if git -c 'include.path=${external}' submodule update --init --recursive --depth 2 --remote -j 4 -- a ':(exclude)b'; then`,
      `git -c 'include.path=${external}' submodule foreach --recursive git fetch origin '+refs/heads/*:refs/remotes/origin/*'`,
    ],
    without: ["lfs pull"],
  },
  {
    name: "clean_git_config",
    wishes: { cleansGitConfig: true, settings: { submodules } },
    lines: [
      `rm -f ${temporary}/git-template/config`,
      `rm -f ${project}/.git/config`,
      `find ${project}/.git/modules -type f \\( -name config \\) -exec rm -f {} +`,
      `find ${project}/.git/modules -depth -type d \\( -name hooks \\) -exec rm -rf {} +`,
      `git init ${project} --template ${temporary}/git-template`,
    ],
  },
  {
    name: "safe_directory_checkout, also into the file that stands in for the global configuration",
    wishes: { marksSafeDirectory: true, usesTokenlessGit: true },
    lines: [
      `export GIT_CONFIG_GLOBAL=${temporary}/.glr.gconf`,
      `printf '%s' '' > ${temporary}/.glr.gconf`,
      `git config --file ${temporary}/.glr.gconf --add include.path ${external}`,
      `git config --global --add safe.directory ${project}`,
    ],
  },
  {
    name: "FF_USE_GIT_PROACTIVE_AUTH, for the one host",
    wishes: { usesProactiveAuth: true },
    lines: [
      `${agent} -c 'http.https://gitlab.example.com.proactiveAuth=basic' fetch origin --no-recurse-submodules '+refs/heads/main:refs/remotes/origin/main' --depth 20 --prune --quiet`,
      "git -c 'submodule.recurse=false' -c 'http.https://gitlab.example.com.proactiveAuth=basic' checkout -f -q 0123456789abcdef0123456789abcdef01234567",
    ],
  },
  {
    name: "FF_USE_GIT_NATIVE_CLONE, by branch",
    wishes: { usesNativeClone: true, settings: { strategy: "clone", cloneFlags: ["--reference-if-able", "/r"] } },
    lines: [
      "if git clone -h 2>&1 | grep -q -F -e --revision; then",
      `${agent} clone --no-checkout 'https://gitlab.example.com/group/demo.git' ${project} --template ${temporary}/git-template --depth 20 --branch main --reference-if-able /r`,
      "else",
      `git init ${project} --template ${temporary}/git-template`,
    ],
  },
  {
    name: "FF_USE_GIT_NATIVE_CLONE, by ref",
    wishes: {
      usesNativeClone: true,
      settings: { strategy: "clone" },
      git: { ref: "refs/merge-requests/1/head", depth: 0 },
    },
    lines: [
      `${agent} clone --no-checkout 'https://gitlab.example.com/group/demo.git' ${project} --template ${temporary}/git-template --revision refs/merge-requests/1/head`,
    ],
  },
  {
    name: "FF_USE_GIT_NATIVE_CLONE does not concern fetch",
    wishes: { usesNativeClone: true },
    lines: [checkout],
    without: ["git clone"],
  },
  {
    name: "hooks, and what the job's variables set before them",
    wishes: { preHooks: ["before"], postHooks: ["after"] },
    lines: [
      "export CI_JOB_ID=42",
      "before",
      `git init ${project} --template ${temporary}/git-template`,
      checkout,
      "after",
    ],
  },
];

describe("the script of get_sources (runner-protocol.md §3.5)", () => {
  for (const { name, wishes, lines, without = [] } of cases) {
    test(name, () => {
      const script = scriptOf(wishes);
      let rest = script.split("\n");
      for (const line of lines) {
        const index = rest.indexOf(line);
        assert.ok(index >= 0, `${line}\n\nis not, or not in its place, in\n\n${script}`);
        rest = rest.slice(index + 1);
      }
      for (const text of without) assert.equal(script.includes(text), false, `${text}\n\nis in\n\n${script}`);
    });
  }

  const configured = [
    { name: "FF_USE_GIT_BUNDLE_URIS", wishes: {}, has: '[transfer]\n\tbundleURI = "true"\n' },
    {
      name: "the correlation id",
      wishes: { correlationId: "0123" },
      has: '[http]\n\textraHeader = "X-Gitaly-Correlation-ID: 0123"\n',
    },
    {
      name: "addresses with credentials",
      wishes: {},
      has: '[url "https://gitlab-ci-token:t@gitlab.example.com"]\n\tinsteadOf = "https://gitlab.example.com"\n',
    },
    {
      name: "the authorities of the server",
      wishes: {
        variables: createVariableSet([{ ...plainVariable("CI_SERVER_TLS_CA_FILE", "PEM"), isFile: true }], temporary),
      },
      has: `[http "https://gitlab.example.com"]\n\tsslCAInfo = "${temporary}/CI_SERVER_TLS_CA_FILE"\n`,
    },
    {
      name: "a helper instead of a token, with FF_GIT_URLS_WITHOUT_TOKENS",
      wishes: { usesTokenlessGit: true },
      has: '[credential "https://gitlab.example.com"]\n\tusername = "gitlab-ci-token"\n',
    },
    { name: "a template for new repositories", wishes: {}, has: '[init]\n\tdefaultBranch = "none"\n' },
  ];
  for (const { name, wishes, has } of configured) {
    test(`the configuration beside the project holds ${name}`, () => assert.ok(scriptOf(wishes).includes(has)));
  }

  test("without FF_USE_GIT_BUNDLE_URIS no bundle is asked for", () => {
    assert.equal(scriptOf({ usesBundleUris: false }).includes("bundleURI"), false);
  });
});
