import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { PlainObject } from "../config/plain-object.ts";
import { readConfig } from "../config/read-config.ts";
import { variable } from "../variables/variable.ts";
import { type PlanContext, planPipeline } from "./plan-pipeline.ts";

interface File {
  stages?: string[];
  variables?: PlainObject;
  workflow?: PlainObject;
  jobs: Record<string, PlainObject>;
}

function plan(file: File, context: Partial<PlanContext> = {}) {
  const config = readConfig(
    {
      pipelineStages: file.stages ?? ["build", "test"],
      default: {},
      variables: file.variables ?? {},
      workflow: file.workflow ?? {},
      jobs: new Map(Object.entries(file.jobs).map(([name, job]) => [name, { script: "x", ...job }])),
    },
    "ci.yml",
  );
  return planPipeline(config, {
    configPath: "ci.yml",
    predefined: [variable("CI_COMMIT_BRANCH", "main"), variable("CI_PIPELINE_SOURCE", "push")],
    projectVariables: [],
    pipelineVariables: [],
    files: ["Dockerfile", "src/a.ts"],
    objectIds: new Map([
      ["lock", "1"],
      ["src/a.ts", "2"],
    ]),
    changedFiles: () => ["src/a.ts"],
    ref: "main",
    isTag: false,
    source: "push",
    wantedJobs: undefined,
    defaultTimeoutSeconds: 3600,
    ...context,
  });
}

/** Whether a job with these keywords runs, and how. Source: GitLab's reference of rules, only, except, when. */
const decisions: readonly [keywords: PlainObject, expected: string][] = [
  [{}, "on_success"],
  [{ when: "manual" }, "manual, may fail"],
  [{ when: "manual", allow_failure: false }, "manual"],
  [{ rules: [{ when: "manual" }] }, "manual"],
  [{ when: "manual", rules: [{ if: "$CI_COMMIT_BRANCH" }] }, "manual, may fail"],
  [{ rules: [{ when: "manual", allow_failure: true }] }, "manual, may fail"],
  [{ rules: [] }, "excluded"],
  [{ rules: [{ if: "$NOPE" }] }, "excluded"],
  [{ rules: [{ if: "$NOPE" }, { when: "always" }] }, "always"],
  [{ rules: [{ if: "$CI_COMMIT_BRANCH", when: "never" }, { when: "always" }] }, "excluded"],
  [{ rules: [{ if: '$CI_COMMIT_BRANCH == "main"', changes: ["src/**/*"] }] }, "on_success"],
  [{ rules: [{ changes: ["docs/**/*"] }] }, "excluded"],
  [{ rules: [{ changes: { paths: ["src/*"], compare_to: "main" } }] }, "on_success"],
  [{ rules: [{ exists: ["Dockerfile"] }] }, "on_success"],
  [{ rules: [{ exists: ["*.rb"] }] }, "excluded"],
  [{ variables: { MODE: "on" }, rules: [{ if: '$MODE == "on"' }] }, "on_success"],
  [{ rules: [{ when: "delayed", start_in: "5 minutes" }] }, "delayed"],
  [{ only: ["main"] }, "on_success"],
  [{ only: ["tags"] }, "excluded"],
  [{ only: ["/^ma/"] }, "on_success"],
  [{ only: { refs: ["branches"], variables: ["$NOPE"] } }, "excluded"],
  [{ only: { changes: ["src/*"] } }, "on_success"],
  [{ except: ["main"] }, "excluded"],
  [{ except: { variables: ['$CI_PIPELINE_SOURCE == "push"'] } }, "excluded"],
];
for (const [keywords, expected] of decisions) {
  test(`${JSON.stringify(keywords)} is ${expected}`, () => {
    const planned = plan({ jobs: { always: {}, j: keywords } });
    const job = planned.jobs.find(({ name }) => name === "j");
    const decided = job === undefined ? "excluded" : `${job.when}${job.allowFailure === true ? ", may fail" : ""}`;
    assert.equal(decided, expected);
    assert.deepEqual(planned.excludedJobs, expected === "excluded" ? ["j"] : []);
  });
}

test("parallel makes numbered jobs, a matrix all combinations, named as GitLab names them", () => {
  const { jobs } = plan({
    jobs: {
      n: { parallel: 3 },
      m: { parallel: { matrix: [{ OS: ["linux", "mac"], V: [1, 2] }, { OS: "bsd" }] }, tags: ["on-$OS"] },
    },
  });
  assert.deepEqual(
    jobs.map(({ name }) => name),
    [...["n 1/3", "n 2/3", "n 3/3", "m: [linux, 1]", "m: [linux, 2]", "m: [mac, 1]", "m: [mac, 2]", "m: [bsd]"]],
  );
  assert.deepEqual(jobs[1]?.node, { index: 2, total: 3 });
  assert.deepEqual(jobs[5]?.tags, ["on-mac"]);
  assert.deepEqual(
    jobs[5]?.yamlVariables.map(({ key, value }) => `${key}=${value}`),
    ["OS=mac", "V=1"],
  );
});

test("needs lead to all jobs of a name, to chosen ones of a matrix, and may be optional", () => {
  const { jobs } = plan({
    jobs: {
      m: { stage: "build", parallel: { matrix: [{ OS: ["linux", "mac"] }] } },
      off: { stage: "build", rules: [{ if: "$NOPE" }] },
      all: { needs: ["m"] },
      one: {
        needs: [
          { job: "m", parallel: { matrix: [{ OS: "mac" }] } },
          { job: "off", optional: true },
        ],
      },
      same: {
        parallel: { matrix: [{ OS: ["linux", "mac"] }] },
        needs: [{ job: "m", parallel: { matrix: [{ OS: "$[[ matrix.OS ]]" }] } }],
      },
      none: { needs: [] },
      quiet: { needs: [{ job: "m", artifacts: false }] },
    },
  });
  const needsOf = (name: string) => jobs.find((job) => job.name === name)?.needs?.map((need) => need.name);
  assert.deepEqual(needsOf("all"), ["m: [linux]", "m: [mac]"]);
  assert.deepEqual(needsOf("one"), ["m: [mac]"]);
  assert.deepEqual(needsOf("same: [linux]"), ["m: [linux]"]);
  assert.deepEqual(needsOf("none"), []);
  assert.deepEqual(jobs.find(({ name }) => name === "quiet")?.artifactsFrom, []);
  assert.deepEqual(jobs.find(({ name }) => name === "all")?.artifactsFrom, ["m: [linux]", "m: [mac]"]);
});

const wrongNeeds: readonly [jobs: Record<string, PlainObject>, expected: RegExp][] = [
  [{ a: { needs: ["gone"] } }, /ci\.yml: job "a": needs: "gone" cannot be needed: there is no such job/],
  [{ a: { needs: ["off"] }, off: { rules: [] } }, /its rules exclude it from this pipeline; use optional: true/],
  [{ a: { stage: "build", needs: ["b"] }, b: { stage: "test" } }, /"b" is in the later stage "test"/],
  [{ a: { needs: ["b"] }, b: { needs: ["a"] } }, /needs go in a circle: a → b → a/],
  [{ a: { dependencies: ["gone"] } }, /job "a": dependencies: there is no job "gone"/],
  [{ a: { rules: [{ if: "$A ==" }] } }, /job "a": rules: expected a variable/],
];
for (const [jobs, expected] of wrongNeeds) {
  test(`${JSON.stringify(jobs)} is refused`, () => assert.throws(() => plan({ jobs }), { message: expected }));
}

test("workflow decides whether there is a pipeline, names it and adds variables", () => {
  const workflow = {
    name: "on $CI_COMMIT_BRANCH $MORE",
    rules: [{ if: "$CI_COMMIT_BRANCH", variables: { MORE: "now" } }],
  };
  const planned = plan({ workflow, jobs: { a: { rules: [{ if: '$MORE == "now"' }] } } });
  assert.equal(planned.name, "on main now");
  assert.equal(planned.jobs.length, 1);
  assert.throws(
    () => plan({ workflow: { rules: [{ if: "$NOPE" }] }, jobs: { a: {} } }),
    /workflow: rules keep this pipeline/,
  );
  assert.throws(() => plan({ jobs: { a: { rules: [] } } }), /rules exclude all of its jobs \(a\)/);
});

test("variables from outside are stronger than the file's", () => {
  const outside = { projectVariables: [variable("MODE", "project")], pipelineVariables: [variable("WHO", "run")] };
  const file = {
    variables: { MODE: "file", WHO: "file" },
    jobs: { a: { rules: [{ if: '$MODE == "project" && $WHO == "run"' }] } },
  };
  assert.equal(plan(file, outside).jobs.length, 1);
});

test("inherit: variables keeps file-wide variables out", () => {
  const file = {
    variables: { A: "1", B: "2" },
    jobs: { none: { inherit: { variables: false } }, some: { inherit: { variables: ["B"] } } },
  };
  assert.deepEqual(
    plan(file).jobs.map(({ yamlVariables }) => yamlVariables.map(({ key }) => key)),
    [[], ["B"]],
  );
});

test("named jobs bring what they need and nothing else; a named manual job runs", () => {
  const jobs = {
    base: { stage: "build" },
    other: { stage: "build" },
    deploy: { needs: ["base"], when: "manual" },
    off: { rules: [] },
  };
  const planned = plan({ jobs }, { wantedJobs: ["deploy"] });
  assert.deepEqual(
    planned.jobs.map(({ name, when }) => [name, when]),
    [
      ["base", "on_success"],
      ["deploy", "on_success"],
    ],
  );
  assert.throws(
    () => plan({ jobs }, { wantedJobs: ["nope"] }),
    /there is no job "nope" in ci\.yml; it has: base, other, deploy/,
  );
  assert.throws(() => plan({ jobs }, { wantedJobs: ["off"] }), /its rules exclude it here/);
});

test("a cache key of files changes with their contents and is default without them", () => {
  const cache = (files: string[]) => ({ cache: { key: { files, prefix: "p" }, paths: ["x"] } });
  const keyOf = (files: string[], lock: string) =>
    plan({ jobs: { a: cache(files) } }, { objectIds: new Map([["lock", lock]]) }).jobs[0]?.cache[0]?.key;
  assert.equal(keyOf(["gone"], "1"), "p-default");
  assert.match(String(keyOf(["lock"], "1")), /^p-[0-9a-f]{40}$/);
  assert.notEqual(keyOf(["lock"], "1"), keyOf(["lock"], "2"));
  assert.equal(keyOf(["lock"], "1"), keyOf(["lock"], "1"));
});

test("whatever needs a job names, they are resolved, or refused with their reason", () => {
  const stages = ["build", "test", "deploy"];
  const entry = fc.record({
    stage: fc.nat({ max: 2 }),
    isExcluded: fc.boolean(),
    copies: fc.constantFrom(1, 1, 2),
    needs: fc.option(fc.array(fc.record({ of: fc.nat({ max: 5 }), optional: fc.boolean() }), { maxLength: 3 })),
  });
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 5 }), (entries) => {
      const jobs = Object.fromEntries(
        entries.map(({ stage, isExcluded, copies, needs }, index): [string, PlainObject] => [
          `j${index}`,
          {
            stage: stages[stage],
            rules: [{ when: isExcluded ? "never" : "always" }],
            ...(copies === 1 ? {} : { parallel: copies }),
            ...(needs === null ? {} : { needs: needs.map(({ of, optional }) => ({ job: `j${of}`, optional })) }),
          },
        ]),
      );
      const there = entries.map((one, index) => ({ ...one, index })).filter(({ isExcluded }) => !isExcluded);
      const isThere = (index: number) => there.some((one) => one.index === index);
      const namesOf = (index: number) =>
        entries[index]?.copies === 2 ? [`j${index} 1/2`, `j${index} 2/2`] : [`j${index}`];
      const edges = there.flatMap(({ index, needs }) => (needs ?? []).map((need) => ({ ...need, from: index })));
      const missing = edges.some(({ of, optional }) => !isThere(of) && !optional);
      const late = edges.some(
        ({ of, from }) => isThere(of) && Number(entries[of]?.stage) > Number(entries[from]?.stage),
      );
      const reaches = (from: number, to: number, seen = new Set<number>()): boolean =>
        edges.some(({ from: start, of }) => {
          if (start !== from || !isThere(of)) return false;
          if (of === to) return true;
          return !seen.has(of) && reaches(of, to, seen.add(of));
        });
      const circle = there.some(({ index }) => reaches(index, index));
      const expected = new Map(
        there.flatMap(({ index, needs }) =>
          namesOf(index).map((name) => [name, needs?.filter(({ of }) => isThere(of)).flatMap(({ of }) => namesOf(of))]),
        ),
      );
      const attempt = () => plan({ stages, jobs }).jobs;
      if (there.length === 0) assert.throws(attempt, /rules exclude all/);
      else if (missing || late || circle) {
        assert.throws(attempt, (error: Error) => {
          assert.equal(/cannot be needed/.test(error.message), missing);
          assert.equal(/is in the later stage/.test(error.message), late);
          return missing || late || /go in a circle/.test(error.message);
        });
      } else {
        const found = attempt().map(({ name, needs }): [string, unknown] => [name, needs?.map((need) => need.name)]);
        assert.deepEqual(new Map(found), expected);
      }
    }),
    { numRuns: 300 },
  );
});
