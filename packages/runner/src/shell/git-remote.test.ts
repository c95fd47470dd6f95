import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type GitRemoteInput, gitRemoteOf } from "./git-remote.ts";

const plain: GitRemoteInput = {
  repositoryUrl: "https://gitlab-ci-token:tok@git.example/group/demo.git",
  cloneUrl: undefined,
  runnerUrl: "https://git.example",
  jobToken: "tok",
  projectPath: "group/demo",
  forcesHttps: false,
  sshHost: "",
  sshPort: "",
  isTokenless: false,
};

const authenticated = "https://gitlab-ci-token:tok@git.example";

/** Source of all: runner-protocol.md §3.5.1. */
const cases: readonly {
  readonly name: string;
  readonly input: Partial<GitRemoteInput>;
  readonly url: string;
  readonly host?: string;
  readonly rewrites: readonly (readonly [actual: string, written: string])[];
}[] = [
  {
    name: "the repository's URL without its credentials",
    input: {},
    url: "https://git.example/group/demo.git",
    host: "https://git.example",
    rewrites: [
      [`${authenticated}/group/demo.git`, "https://git.example/group/demo.git"],
      [authenticated, "https://git.example"],
    ],
  },
  {
    name: "clone_url takes its place",
    input: { cloneUrl: "http://inner:8080/gitlab/", jobToken: "job" },
    url: "http://inner:8080/gitlab/group/demo.git",
    host: "http://inner:8080",
    rewrites: [
      ["http://gitlab-ci-token:job@inner:8080/gitlab/group/demo.git", "http://inner:8080/gitlab/group/demo.git"],
      ["http://gitlab-ci-token:job@inner:8080/gitlab", "http://inner:8080/gitlab"],
      ["https://gitlab-ci-token:job@git.example", "https://git.example"],
    ],
  },
  {
    name: "ssh keeps its user",
    input: { cloneUrl: "ssh://host:22" },
    url: "ssh://git@host:22/group/demo.git",
    host: "ssh://host:22",
    rewrites: [],
  },
  {
    name: "GIT_SUBMODULE_FORCE_HTTPS rewrites both ssh forms",
    input: { forcesHttps: true, sshHost: "git.example" },
    url: "https://git.example/group/demo.git",
    host: "https://git.example",
    rewrites: [
      [`${authenticated}/group/demo.git`, "https://git.example/group/demo.git"],
      [authenticated, "https://git.example"],
      [`${authenticated}/`, "git@git.example:"],
      [authenticated, "ssh://git@git.example"],
    ],
  },
  {
    name: "another ssh port leaves one form",
    input: { forcesHttps: true, sshHost: "git.example", sshPort: "2222" },
    url: "https://git.example/group/demo.git",
    host: "https://git.example",
    rewrites: [
      [`${authenticated}/group/demo.git`, "https://git.example/group/demo.git"],
      [authenticated, "https://git.example"],
      [authenticated, "ssh://git@git.example:2222"],
    ],
  },
  {
    name: "tokenless: no token anywhere",
    input: { isTokenless: true },
    url: "https://git.example/group/demo.git",
    host: "https://git.example",
    rewrites: [],
  },
  { name: "a path is no URL", input: { repositoryUrl: "/srv/demo.git" }, url: "/srv/demo.git", rewrites: [] },
  {
    name: "an scp-like address stays",
    input: { repositoryUrl: "git@host:group/demo.git" },
    url: "git@host:group/demo.git",
    rewrites: [],
  },
];

describe("where git fetches from", () => {
  for (const { name, input, url, host, rewrites } of cases) {
    test(name, () => {
      const remote = gitRemoteOf({ ...plain, ...input });
      assert.equal(remote.url, url);
      assert.equal(remote.host, host);
      assert.deepEqual(
        remote.rewrites.map(({ actual, written }) => [actual, written]),
        rewrites,
      );
    });
  }
});
