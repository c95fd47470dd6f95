import assert from "node:assert/strict";
import { test } from "node:test";
import { CoordinatorError } from "../../coordinator-error.ts";
import type { PlainObject } from "./plain-object.ts";
import { readConfig } from "./read-config.ts";

function read(jobs: Record<string, PlainObject>, others: { default?: PlainObject; workflow?: PlainObject } = {}) {
  return readConfig(
    {
      pipelineStages: ["build", "test"],
      default: others.default ?? {},
      variables: {},
      workflow: others.workflow ?? {},
      jobs: new Map(Object.entries(jobs)),
    },
    ".gitlab-ci.yml",
  );
}

test("defaults are inherited unless a job says otherwise", () => {
  const config = read(
    {
      all: { script: "x" },
      none: { script: "x", inherit: { default: false } },
      some: { script: "x", inherit: { default: ["tags"] } },
      own: { script: "x", retry: 0 },
    },
    {
      default: {
        retry: { max: 1, when: "script_failure" },
        tags: ["linux"],
        timeout: "1h 30m",
        cache: { paths: ["c"] },
      },
    },
  );
  const [all, none, some, own] = config.jobs;
  assert.deepEqual(all?.retry, { max: 1, when: ["script_failure"], exitCodes: [] });
  assert.equal(all?.timeoutSeconds, 5400);
  assert.equal(all?.cache[0]?.key, "default");
  assert.deepEqual([none?.retry.max, none?.tags, none?.cache], [0, [], []]);
  assert.deepEqual([some?.retry.max, some?.tags], [0, ["linux"]]);
  assert.equal(own?.retry.max, 0);
});

test("every spelling of a keyword reads into one form", () => {
  const [job] = read({
    job: {
      script: ["a", ["b", ["c"]]],
      image: "alpine",
      services: ["redis", { name: "postgres", alias: "db" }],
      variables: { N: 1, B: true, EMPTY: null, RAW: { value: "$x", expand: false } },
      needs: ["one", { job: "two", optional: true }, { job: "m", parallel: { matrix: [{ OS: ["a"], V: 1 }] } }],
      allow_failure: { exit_codes: 3 },
      retry: { max: 2, exit_codes: [1, 2] },
      artifacts: { reports: { junit: "r.xml", coverage_report: { coverage_format: "cobertura", path: "c.xml" } } },
      cache: [{ key: { files: ["lock"], prefix: "p" }, paths: ["x"], fallback_keys: ["f"] }, { paths: [] }],
      environment: "prod",
    },
  }).jobs;
  assert.deepEqual(job?.script, ["a", "b", "c"]);
  assert.deepEqual(job?.services, [{ name: "redis" }, { name: "postgres", alias: "db" }]);
  assert.deepEqual(job?.variables, [
    { key: "N", value: "1", raw: false },
    { key: "B", value: "true", raw: false },
    { key: "EMPTY", value: "", raw: false },
    { key: "RAW", value: "$x", raw: true },
  ]);
  assert.deepEqual(job?.needs, [
    { job: "one", artifacts: true, optional: false },
    { job: "two", artifacts: true, optional: true },
    {
      job: "m",
      artifacts: true,
      optional: false,
      matrix: [
        new Map([
          ["OS", ["a"]],
          ["V", ["1"]],
        ]),
      ],
    },
  ]);
  assert.deepEqual(job?.allowFailure, { exitCodes: [3] });
  assert.deepEqual(job?.retry, { max: 2, when: [], exitCodes: [1, 2] });
  assert.deepEqual(
    job?.artifacts?.reports,
    new Map([
      ["junit", ["r.xml"]],
      ["cobertura", ["c.xml"]],
    ]),
  );
  assert.equal(job?.cache.length, 1);
  assert.equal(job?.environment?.name, "prod");
});

/** Each mistake is told with file, job and keyword. */
const mistakes: readonly [job: PlainObject, expected: RegExp][] = [
  [{}, /\.gitlab-ci\.yml: job "j": has neither script, run nor trigger/],
  [{ script: "x", scripts: "y" }, /job "j": unknown keyword "scripts"/],
  [{ script: "x", artifacts: { path: ["a"] } }, /job "j": artifacts: unknown keyword "path"/],
  [{ script: "x", stage: "gone" }, /job "j": stage "gone" is not among the stages/],
  [{ script: "x", timeout: "soon" }, /job "j": timeout: "soon" is not a duration/],
  [{ script: "x", when: "later" }, /job "j": when: "later" is not one of/],
  [{ script: "x", retry: 5 }, /job "j": retry: expected 0, 1, 2/],
  [{ script: "x", rules: [{ iff: "$A" }] }, /job "j": rules: \[1\]: unknown keyword "iff"/],
  [{ script: "x", cache: { paths: "a" } }, /job "j": cache: .*paths/],
  [{ script: "x", parallel: 0 }, /job "j": parallel: Too small/],
  [{ script: "x", rules: [{ auto_cancel: {} }] }, /job "j": rules: auto_cancel is for workflow: rules only/],
  [{ script: "x", hooks: { post: "y" } }, /job "j": hooks: unknown keyword "post"/],
  [{ script: "x", secrets: { S: { vault: "nofield" } } }, /secrets: S.vault: expected path\/field@engine/],
  [{ script: "x", secrets: { S: { file: false } } }, /secrets: S: expected one provider, found 0/],
  [{ script: "x", inputs: { a: {} } }, /inputs: a: it has no default/],
  [{ script: "x", inputs: { a: { default: "c", options: ["a", "b"] } } }, /inputs: a: the default is not one of a, b/],
];
for (const [job, expected] of mistakes) {
  test(`${JSON.stringify(job)} is refused`, () => assert.throws(() => read({ j: job }), { message: expected }));
}

test("all problems are told together, and keywords without effect are named once", () => {
  assert.throws(
    () => read({ a: {}, b: { script: "x", nonsense: 1 } }),
    (error: unknown) => error instanceof CoordinatorError && error.problems.length === 2,
  );
  const { warnings } = read({
    a: { script: "x", release: {} },
    b: { script: "x", release: {}, needs: [{ project: "p" }] },
    c: {
      ...{ script: "x", pages: true, identity: "google_cloud", dast_configuration: {}, publish: "p" },
      artifacts: { paths: ["a"], expose_as: "x", public: false, access: "all" },
      environment: { name: "e", on_stop: "d", auto_stop_in: "1 day", kubernetes: {} },
      rules: [{ exists: { paths: ["a"], project: "p" } }],
      secrets: { S: { gitlab_secrets_manager: { name: "s" } } },
    },
    d: { trigger: { project: "p", branch: "b", inputs: {} } },
  });
  const told = warnings.map((warning) => warning.replace(/^"(.*)" is not acted on \((.*)\)$/, "$2 $1"));
  assert.deepEqual(told.sort(), [
    "a, b release",
    "b needs of another project or pipeline",
    "c artifacts: access",
    "c artifacts: expose_as",
    "c artifacts: public",
    "c dast_configuration",
    "c environment: auto_stop_in",
    "c environment: kubernetes",
    "c environment: on_stop",
    "c identity",
    "c pages",
    "c publish",
    "c rules: exists: project (its paths are looked for in this repository)",
    "c secrets: gitlab_secrets_manager",
    "d trigger of another project",
    "d trigger: branch",
  ]);
});
