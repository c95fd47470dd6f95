import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { describeFeatureFlags, resolveFeatureFlags } from "./feature-flags.ts";
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
});
