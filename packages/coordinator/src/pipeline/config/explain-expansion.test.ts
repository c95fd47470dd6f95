import assert from "node:assert/strict";
import { test } from "node:test";
import { explainExpansion } from "./explain-expansion.ts";

const oddWorkTree = `fatal: ambiguous argument 'HEAD': unknown revision or path not in the working tree.
Use '--' to separate paths from revisions, like this:
'git <command> [<revision>...] -- [<file>...]'
HEAD
`;

/** What the expansion prints, and what the user reads. Recorded without a network. */
const cases: readonly [stderr: string, remoteUrl: string | undefined, expected: string][] = [
  [
    "Local include file cannot be found nope.yml",
    undefined,
    "include: local: there is no file nope.yml in this repository",
  ],
  [
    "Project include could not be fetched { project: a/b, ref: HEAD, file: x.yml } rp: Command failed with exit code 128",
    undefined,
    "include: project a/b (file x.yml, ref HEAD) could not be fetched: this repository has no origin to fetch it from",
  ],
  [
    "Project include could not be fetched { project: a/b, ref: v1, file: x.yml }\nfatal: unable to access 'https://h/a/b.git/': Could not resolve host: h",
    "https://h/c/d.git",
    "include: project a/b (file x.yml, ref v1) could not be fetched: unable to access 'https://h/a/b.git/': Could not resolve host: h",
  ],
  [
    "Remote include could not be fetched https://example.invalid/x.yml\nError: getaddrinfo ENOTFOUND example.invalid",
    undefined,
    "include: remote https://example.invalid/x.yml could not be fetched: getaddrinfo ENOTFOUND example.invalid",
  ],
  [
    "Remote include could not be fetched https://gitlab.com/gitlab-org/gitlab/-/raw/HEAD/lib/gitlab/ci/templates/Bash.gitlab-ci.yml\nError: getaddrinfo ENOTFOUND gitlab.com",
    undefined,
    "include: template Bash.gitlab-ci.yml is fetched from gitlab.com, which failed: getaddrinfo ENOTFOUND gitlab.com",
  ],
  [
    "np: Command failed with exit code 128: git ls-remote --tags 'https://gitlab.com:443/a/b.git'\nfatal: unable to access 'https://gitlab.com:443/a/b.git/': Could not resolve host: gitlab.com",
    undefined,
    "include: component of https://gitlab.com:443/a/b.git could not be fetched: unable to access 'https://gitlab.com:443/a/b.git/': Could not resolve host: gitlab.com",
  ],
  ["", undefined, "the expansion failed and did not say why"],
];
for (const [stderr, remoteUrl, expected] of cases) {
  test(`"${stderr.slice(0, 60)}" becomes a sentence of our own`, () =>
    assert.equal(explainExpansion(oddWorkTree + stderr, remoteUrl), expected));
}
