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
  });
  assert.deepEqual(warnings, [
    '"release" is not acted on (a, b)',
    '"needs of another project or pipeline" is not acted on (b)',
  ]);
});
