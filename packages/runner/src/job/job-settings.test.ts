import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import {
  describeFeatureFlags,
  featureFlagNames,
  idleFeatureFlags,
  isActingFlag,
  resolveFeatureFlags,
} from "./feature-flags.ts";
import { type JobSettings, readJobSettings } from "./job-settings.ts";

function read(variables: Readonly<Record<string, string>>, changes = {}): JobSettings {
  const look = (name: string) => variables[name] ?? "";
  return readJobSettings({ valueOf: look, allowsGitFetch: true, depth: 20, debugTraceDisabled: false, ...changes });
}

/** Source: runner-protocol.md §3.2 and, for attempts, §2.2. */
const cases: readonly {
  readonly variables: Readonly<Record<string, string>>;
  readonly look: (settings: JobSettings) => unknown;
  readonly expected: unknown;
  readonly problem?: string;
}[] = [
  { variables: {}, look: ({ git }) => git.strategy, expected: "fetch" },
  { variables: { GIT_STRATEGY: "clone" }, look: ({ git }) => git.strategy, expected: "clone" },
  {
    variables: { GIT_STRATEGY: "x" },
    look: ({ git }) => git.strategy,
    expected: "fetch",
    problem: `GIT_STRATEGY: expected either 'clone', 'fetch', 'none' or 'empty' got "x", using default value 'fetch'`,
  },
  { variables: { GIT_CHECKOUT: "F" }, look: ({ git }) => git.checksOut, expected: false },
  {
    variables: { GIT_CHECKOUT: "no" },
    look: ({ git }) => git.checksOut,
    expected: true,
    problem: `GIT_CHECKOUT: expected bool got "no", using default value: true`,
  },
  { variables: {}, look: ({ git }) => git.cleanFlags, expected: ["-ffdx"] },
  { variables: { GIT_CLEAN_FLAGS: "none" }, look: ({ git }) => git.cleanFlags, expected: [] },
  { variables: { GIT_CLEAN_FLAGS: " -fd  -x " }, look: ({ git }) => git.cleanFlags, expected: ["-fd", "-x"] },
  { variables: {}, look: ({ git }) => git.fetchFlags, expected: ["--prune", "--quiet"] },
  { variables: { GIT_SUBMODULE_STRATEGY: "none" }, look: ({ git }) => git.submodules, expected: undefined },
  {
    variables: { GIT_SUBMODULE_STRATEGY: "recursive", GIT_SUBMODULE_PATHS: "a b" },
    look: ({ git }) => git.submodules,
    expected: { isRecursive: true, paths: ["a", "b"], depth: 20, updateFlags: [] },
  },
  {
    variables: { GIT_SUBMODULE_STRATEGY: "normal", GIT_SUBMODULE_DEPTH: "3" },
    look: ({ git }) => git.submodules?.depth,
    expected: 3,
  },
  { variables: { GET_SOURCES_ATTEMPTS: "4" }, look: (settings) => settings.getSourcesAttempts, expected: 4 },
  {
    variables: { GET_SOURCES_ATTEMPTS: "11" },
    look: (settings) => settings.getSourcesAttempts,
    expected: 10,
    problem: "GET_SOURCES_ATTEMPTS: number of attempts out of the range [1, 10], clamping to: 10",
  },
  {
    variables: { RESTORE_CACHE_ATTEMPTS: "0" },
    look: (settings) => settings.restoreCacheAttempts,
    expected: 1,
    problem: "RESTORE_CACHE_ATTEMPTS: number of attempts out of the range [1, 10], clamping to: 1",
  },
  {
    variables: { ARTIFACT_DOWNLOAD_ATTEMPTS: "many" },
    look: (settings) => settings.artifactDownloadAttempts,
    expected: 1,
    problem: `ARTIFACT_DOWNLOAD_ATTEMPTS: expected int got "many", using default value: 1`,
  },
  { variables: {}, look: ({ git }) => git.cleanFlags, expected: ["-ffdx"] },
  { variables: { GIT_CLEAN_FLAGS: "none" }, look: ({ git }) => git.cleanFlags, expected: [] },
  { variables: { GIT_CLEAN_FLAGS: " -x\t-e  a " }, look: ({ git }) => git.cleanFlags, expected: ["-x", "-e", "a"] },
  { variables: {}, look: ({ git }) => git.fetchFlags, expected: ["--prune", "--quiet"] },
  { variables: { GIT_FETCH_EXTRA_FLAGS: "none" }, look: ({ git }) => git.fetchFlags, expected: [] },
  { variables: { GIT_CLONE_EXTRA_FLAGS: "-j 2" }, look: ({ git }) => git.cloneFlags, expected: ["-j", "2"] },
  { variables: { GIT_SUBMODULE_STRATEGY: "none" }, look: ({ git }) => git.submodules, expected: undefined },
  {
    variables: { GIT_SUBMODULE_STRATEGY: "recursive", GIT_SUBMODULE_PATHS: "a :(exclude)b" },
    look: ({ git, sourcesFailure }) => [git.submodules, sourcesFailure],
    expected: [{ isRecursive: true, paths: ["a", ":(exclude)b"], depth: 20, updateFlags: [] }, undefined],
  },
  {
    variables: { GIT_SUBMODULE_STRATEGY: "normal", GIT_SUBMODULE_DEPTH: "3", GIT_SUBMODULE_UPDATE_FLAGS: "--jobs 4" },
    look: ({ git }) => git.submodules,
    expected: { isRecursive: false, paths: [], depth: 3, updateFlags: ["--jobs", "4"] },
  },
  {
    variables: { GIT_SUBMODULE_STRATEGY: "normal", GIT_SUBMODULE_PATHS: ":(exclude) a" },
    look: ({ sourcesFailure }) => sourcesFailure,
    expected: 'GIT_SUBMODULE_PATHS: ":(exclude)" needs a path right behind it',
  },
  {
    variables: { GIT_SUBMODULE_STRATEGY: "some", GIT_STRATEGY: "none" },
    look: ({ sourcesFailure }) => sourcesFailure,
    expected: undefined,
    problem: `GIT_SUBMODULE_STRATEGY: expected either 'normal', 'recursive' or 'none' got "some"`,
  },
  { variables: { GIT_LFS_SKIP_SMUDGE: "1" }, look: ({ git }) => git.skipsLfs, expected: true },
  { variables: { GIT_SUBMODULE_FORCE_HTTPS: "T" }, look: (one) => one.forcesHttpsForSubmodules, expected: true },
  { variables: { SECRETS_RETRIEVAL_ATTEMPTS: "3" }, look: (one) => one.secretsRetrievalAttempts, expected: 3 },
  { variables: {}, look: (one) => one.cacheRequestTimeoutMs, expected: 600_000 },
  { variables: { CACHE_REQUEST_TIMEOUT: "3" }, look: (one) => one.cacheRequestTimeoutMs, expected: 180_000 },
  { variables: { CACHE_REQUEST_TIMEOUT: "-1" }, look: (one) => one.cacheRequestTimeoutMs, expected: 600_000 },
  {
    variables: { AFTER_SCRIPT_IGNORE_ERRORS: "false" },
    look: (settings) => settings.ignoresAfterScriptErrors,
    expected: false,
  },
];

describe("settings of a job", () => {
  for (const { variables, look, expected, problem } of cases) {
    test(`${JSON.stringify(variables)} ${problem === undefined ? "is taken" : "is complained of"}`, () => {
      const settings = read(variables);
      assert.deepEqual(look(settings), expected);
      assert.deepEqual(settings.problems, problem === undefined ? [] : [problem]);
    });
  }

  test("CI_DEBUG_TRACE can be forbidden", () => {
    assert.equal(read({ CI_DEBUG_TRACE: "true" }).isDebugTrace, true);
    const forbidden = read({ CI_DEBUG_TRACE: "true" }, { debugTraceDisabled: true });
    assert.equal(forbidden.isDebugTrace, false);
    assert.deepEqual(forbidden.problems, ["CI_DEBUG_TRACE: usage is disabled on this Runner"]);
  });
});

describe("feature flags", () => {
  test("the configuration wins over the job, the job over the default", () => {
    const ofJob: Readonly<Record<string, string>> = { FF_TIMESTAMPS: "false", FF_SCRIPT_SECTIONS: "1" };
    const { flags, problems } = resolveFeatureFlags({ FF_TIMESTAMPS: true }, (name) => ofJob[name]);
    assert.equal(flags.FF_TIMESTAMPS, true);
    assert.equal(flags.FF_SCRIPT_SECTIONS, true);
    assert.equal(flags.FF_USE_DIRECT_DOWNLOAD, true);
    assert.deepEqual(problems, []);
    assert.equal(describeFeatureFlags(flags), "FF_SCRIPT_SECTIONS:true");
  });

  test("a job's flag that is no boolean is complained of", () => {
    const { flags, problems } = resolveFeatureFlags({}, (name) => (name === "FF_TIMESTAMPS" ? "maybe" : undefined));
    assert.equal(flags.FF_TIMESTAMPS, true);
    assert.deepEqual(problems, ["FF_TIMESTAMPS: could not parse feature flag, expected bool, got maybe"]);
  });

  test("a flag is known to act exactly when the source asks for it", () => {
    const sources = globSync("**/*.ts", { cwd: path.join(import.meta.dirname, "..") })
      .filter((file) => !file.endsWith(".test.ts") && !file.endsWith("feature-flags.ts"))
      .map((file) => readFileSync(path.join(import.meta.dirname, "..", file), "utf8"))
      .map((text) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ""));
    const asked = new Set(sources.flatMap((text) => text.match(/(?<=flags\.|\["|isOn\(")FF_\w+/g) ?? []));
    const acting = featureFlagNames.filter((name) => isActingFlag(name, "shell") || isActingFlag(name, "docker"));
    assert.deepEqual(acting.toSorted(), [...asked].toSorted());
  });

  test("flags of one executor are idle with another", () => {
    const { flags } = resolveFeatureFlags({ FF_NETWORK_PER_BUILD: true, FF_CONCRETE: true }, () => undefined);
    assert.deepEqual(idleFeatureFlags(flags, "shell"), ["FF_NETWORK_PER_BUILD", "FF_CONCRETE"]);
    assert.deepEqual(idleFeatureFlags(flags, "docker"), ["FF_CONCRETE"]);
  });
});
