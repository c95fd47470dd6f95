import type { GitSettings } from "../../src/shell/git-settings.ts";
import type { ScriptContext, SourcesRequest } from "../../src/shell/shell-dialect.ts";
import { createVariableSet, plainVariable } from "../../src/shell/variable-set.ts";

/** What a script is told, with defaults. */
export function aScriptContext(changes: Partial<ScriptContext> = {}): ScriptContext {
  return {
    variables: createVariableSet([plainVariable("CI_JOB_ID", "42")], "/builds/group/demo.tmp"),
    projectDirectory: "/builds/group/demo",
    temporaryDirectory: "/builds/group/demo.tmp",
    traceEnvironment: {},
    isDebugTrace: false,
    usesLegacyEval: false,
    checksExitCodes: false,
    showsScriptSections: false,
    usesTokenlessGit: false,
    ...changes,
  };
}

export interface SourcesWishes extends Partial<Omit<SourcesRequest, "settings" | "git">> {
  readonly settings?: Partial<GitSettings>;
  readonly git?: Partial<SourcesRequest["git"]>;
}

export function aSourcesRequest({ settings, git, ...changes }: SourcesWishes = {}): SourcesRequest {
  return {
    ...aScriptContext(),
    git: {
      repositoryUrl: "https://gitlab.example.com/group/demo.git",
      objectFormat: "sha1",
      ref: "main",
      refType: "branch",
      sha: "0123456789abcdef0123456789abcdef01234567",
      beforeSha: "",
      refspecs: ["+refs/heads/main:refs/remotes/origin/main"],
      depth: 20,
      isProtected: undefined,
      ...git,
    },
    settings: {
      strategy: "fetch",
      checksOut: true,
      cleanFlags: ["-ffdx"],
      fetchFlags: ["--prune", "--quiet"],
      cloneFlags: [],
      submodules: undefined,
      skipsLfs: false,
      ...settings,
    },
    remote: {
      url: "https://gitlab.example.com/group/demo.git",
      host: "https://gitlab.example.com",
      rewrites: [{ actual: "https://gitlab-ci-token:t@gitlab.example.com", written: "https://gitlab.example.com" }],
    },
    userAgent: "gitlab-runner 19.4.0 linux/amd64",
    correlationId: undefined,
    usesBundleUris: true,
    usesProactiveAuth: false,
    usesNativeClone: false,
    cleansGitConfig: false,
    marksSafeDirectory: false,
    receivedBytesFile: undefined,
    preHooks: [],
    postHooks: [],
    ...changes,
  };
}
