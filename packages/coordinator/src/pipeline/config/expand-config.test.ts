import assert from "node:assert/strict";
import { test } from "node:test";
import { childEnvironment } from "../../child-environment.ts";
import { expandConfig } from "./expand-config.ts";
import { readConfig } from "./read-config.ts";

function expand(files: Record<string, string>, isIncluded: (rules: unknown) => boolean = () => true) {
  return expandConfig({
    configPath: ".gitlab-ci.yml",
    yamlFiles: new Map(Object.entries(files)),
    lookup: (name) => ({ FOLDER: "ci" })[name],
    isIncluded,
    remoteUrl: undefined,
    environment: childEnvironment(),
  });
}

test("extends, references and local includes are resolved and nothing that a job says is lost", async () => {
  const config = await expand({
    ".gitlab-ci.yml": `
include: [{ local: ci/base.yml }]
stages: [build, check]
default:
  retry: 2
  tags: [linux]
variables:
  RAW: { value: "$x", expand: false, description: d }
build:
  extends: .base
  stage: build
  script: [one, !reference [.base, before_script], !reference [default, tags]]
  cache: { key: k, paths: [p], fallback_keys: [f], untracked: true }
  image: { name: alpine, pull_policy: always }
  rules: [{ if: '$CI_COMMIT_BRANCH == "main"', changes: [a] }]
steps:
  stage: check
  run: [{ name: s, script: echo }]
`,
    "ci/base.yml": `
.base: { before_script: [prepare], variables: { A: yes } }
`,
  });
  assert.deepEqual(config.pipelineStages, [".pre", "build", "check", ".post"]);
  assert.deepEqual(config.default, { retry: 2, tags: ["linux"] });
  assert.deepEqual(config.variables, { RAW: { value: "$x", expand: false, description: "d" } });
  assert.deepEqual(config.jobs.get("build"), {
    before_script: ["prepare"],
    variables: { A: true },
    stage: "build",
    script: ["one", "prepare", "linux"],
    cache: { key: "k", paths: ["p"], fallback_keys: ["f"], untracked: true },
    image: { name: "alpine", pull_policy: "always" },
    rules: [{ if: '$CI_COMMIT_BRANCH == "main"', changes: ["a"] }],
  });
  assert.deepEqual(config.jobs.get("steps"), { stage: "check", run: [{ name: "s", script: "echo" }] });
});

for (const { how, extra } of [
  { how: "as it is", extra: "" },
  { how: "by the expansion", extra: "other: { extends: .x, script: [a] }\n.x: { tags: [t] }\n" },
]) {
  test(`what functions are given stays as it is in a configuration resolved ${how}`, async () => {
    const text = `
functions:
  run:
    - name: s
      func: ./f
      inputs: { lists: [[1], [2, [3]]], text: "$HOME \${{ vars.X }}", number: 0.5, none: null, on_time: true, when: "2026-01-02" }
      env: { A: "010" }
${extra}`;
    const config = await expand({ ".gitlab-ci.yml": text });
    assert.deepEqual(config.jobs.get("functions")?.["run"], [
      {
        name: "s",
        func: "./f",
        inputs: {
          lists: [[1], [2, [3]]],
          text: "$HOME ".concat("$", "{{ vars.X }}"),
          number: 0.5,
          none: null,
          on_time: true,
          when: "2026-01-02",
        },
        env: { A: "010" },
      },
    ]);
  });
}

test("steps of another job are taken over, and inputs of an include are filled in", async () => {
  const config = await expand({
    ".gitlab-ci.yml": `
include: [{ local: part.yml, inputs: { who: "world" } }]
.base: { run: [{ name: a, script: one }] }
whole: { extends: .base }
replaced: { extends: .base, run: [{ name: b, script: two }] }
referred: { run: !reference [.base, run] }
among: { run: [{ name: b, script: two }, !reference [.base, run]] }
`,
    "part.yml":
      'spec: { inputs: { who: {} } }\n---\nfilled: { run: [{ name: a, func: ./f, inputs: { who: "$[[ inputs.who ]]" } }] }\n',
  });
  const [a, b] = ["one", "two"].map((script, index) => ({ name: "ab"[index], script }));
  assert.deepEqual(
    ["whole", "replaced", "referred", "among", "filled"].map((name) => config.jobs.get(name)?.["run"]),
    [[a], [b], [a], [b, a], [{ name: "a", func: "./f", inputs: { who: "world" } }]],
  );
});

test("an include whose rules say no is left out, inputs are filled in", async () => {
  const files = {
    ".gitlab-ci.yml": `
include:
  - { local: no.yml, rules: [{ if: $NO }] }
  - { local: $FOLDER/*.yml, inputs: { word: hello } }
`,
    "no.yml": "no: { script: echo no }",
    "ci/component.yml":
      "spec: { inputs: { word: {} } }\n---\n'say $[[ inputs.word ]]': { script: ['echo $[[ inputs.word ]]'] }",
  };
  const config = await expand(files, (rules) => JSON.stringify(rules) !== '[{"if":"$NO"}]');
  assert.deepEqual([...config.jobs], [["say hello", { script: ["echo hello"] }]]);
});

test("a mistake is told with file, place and the user's own words", async () => {
  await assert.rejects(expand({}), /there is no \.gitlab-ci\.yml/);
  await assert.rejects(expand({ ".gitlab-ci.yml": "a:\n  script: [x\n" }), /\.gitlab-ci\.yml:\d+:\d+: not valid YAML/);
  await assert.rejects(
    expand({ ".gitlab-ci.yml": "a: { extends: .gone, script: x }" }),
    /\.gone is unspecified, used by a/,
  );
  await assert.rejects(expand({ ".gitlab-ci.yml": "a: { script: [!reference [.b, script]] }" }), {
    message: /!reference \[\.b, script\] is undefined/,
  });
  await assert.rejects(expand({ ".gitlab-ci.yml": "include: gone.yml" }), {
    message: ".gitlab-ci.yml: include: local: there is no file gone.yml in this repository",
  });
  const given = "include: { local: a.yml, inputs: { word: x, other: y } }";
  await assert.rejects(expand({ ".gitlab-ci.yml": given, "a.yml": "spec: { inputs: { word: {} } }\n---\n" }), {
    message: ".gitlab-ci.yml: include: a.yml does not know the input other; its inputs are word",
  });
});

test("a configuration with nothing to resolve comes out the same with and without the expansion", async () => {
  const text = `
stages: [one, two]
image: alpine
default: { tags: [a, [b]], retry: 1 }
variables: { A: yes, B: { value: "1", expand: false } }
workflow: { rules: [{ if: $A }] }
.hidden: { script: x }
job: { stage: two, script: [a, [b, [c]]], cache: { paths: [p], fallback_keys: [f] }, rules: [{ changes: [a] }] }
functions: { stage: one, run: [{ name: n, script: s }] }
`;
  const direct = await expand({ ".gitlab-ci.yml": text });
  const expanded = await expand({ ".gitlab-ci.yml": `include: empty.yml\n${text}`, "empty.yml": "{}" });
  const read = (config: typeof direct) => readConfig(config, "ci.yml");
  assert.deepEqual(read(direct), read(expanded));
});
