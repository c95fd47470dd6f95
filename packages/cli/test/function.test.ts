// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the expressions of functions look like that
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { jobscope, makeSurroundings, startJobscope } from "./jobscope-process.ts";

const greet = `spec:
  inputs:
    who: { type: string }
    count: { type: number, default: 1 }
    token: { type: string, default: "", sensitive: true }
  outputs:
    greeting: { type: string }
    secret: { type: string, sensitive: true }
---
exec:
  command:
    - sh
    - -c
    - |
      echo "hello $0 $1 times, token <$2>, LANGUAGE=$LANGUAGE CI_X=$CI_X" >&2
      echo '{"name":"greeting","value":"hi"}' >"$3"
      echo '{"name":"secret","value":"very-secret-value"}' >>"$3"
    - \${{ inputs.who }}
    - \${{ inputs.count + 1 }}
    - \${{ inputs.token }}
    - \${{ output_file }}
`;

function scene(t: TestContext, files: Readonly<Record<string, string>>) {
  const surroundings = makeSurroundings(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(surroundings.directory, name)), { recursive: true });
    writeFileSync(join(surroundings.directory, name), text);
  }
  const environment = { ...surroundings.environment, CI_X: "from a job around it" };
  return { temporary: surroundings.temporary, options: { environment, cwd: surroundings.directory } };
}

test("a function runs here with its inputs, and its outputs are printed", async (t) => {
  const { options } = scene(t, { "greet/func.yml": greet });
  const flags = ["-i", "who=world", "--input", "count=2", "--env", "LANGUAGE=en", "-i", "token=a-long-token"];
  const { exitCode, stdout, stderr } = await jobscope(t, ["function", "run", "greet", ...flags], options);
  assert.equal(stderr, "");
  assert.equal(exitCode, 0);
  assert.equal(
    stdout,
    "Running step name=function\nhello world 3 times, token <[MASKED]>, LANGUAGE=en CI_X=\n" +
      'greeting = "hi"\nsecret = [MASKED]\n',
  );
});

test("--json prints the whole result, and the log beside it", async (t) => {
  const { options } = scene(t, { "greet/func.yml": greet });
  const args = ["function", "run", "./greet", "--input", "who=world", "--json"];
  const { exitCode, stdout, stderr } = await jobscope(t, args, options);
  assert.equal(exitCode, 0);
  const result = JSON.parse(stdout);
  assert.deepEqual([result.status, result.subStepResults[0].outputs.greeting], ["success", "hi"]);
  assert.match(stderr, /^Running step name=function\nhello world 2 times/);
});

/** Source: the exit codes that every command has. */
const ends: readonly { name: string; args: string[]; exitCode: number; says: RegExp }[] = [
  { name: "a function that fails", args: ["./bad"], exitCode: 1, says: /exec: exit code 9/ },
  { name: "a failure two calls down", args: ["./outer"], exitCode: 1, says: /step "inner": exec: exit code 9/ },
  { name: "a missing input", args: ["./greet"], exitCode: 2, says: /input "who" required/ },
  {
    name: "an input that is none",
    args: ["./greet", "--input", "who"],
    exitCode: 2,
    says: /--input: expected NAME=VALUE/,
  },
  {
    name: "an input that is no YAML",
    args: ["./greet", "--input", "who=[1"],
    exitCode: 2,
    says: /its value is no YAML/,
  },
  {
    name: "an environment that is none",
    args: ["./greet", "--env", "X"],
    exitCode: 2,
    says: /--env: expected KEY=VALUE/,
  },
  { name: "no such function", args: ["./none"], exitCode: 2, says: /does not exist/ },
  { name: "a definition that is wrong", args: ["./broken"], exitCode: 2, says: /func\.yml:3:/ },
  { name: "no function at all", args: [], exitCode: 2, says: /missing required argument 'function'/ },
];

for (const { name, args, exitCode, says } of ends) {
  test(`${name} ends with ${exitCode} and one message`, async (t) => {
    const { options } = scene(t, {
      "greet/func.yml": greet,
      "bad/func.yml": 'spec: {}\n---\nexec: { command: [sh, -c, "exit 9"] }\n',
      "outer/func.yml": "spec: {}\n---\nrun: [{ name: inner, func: ../bad }]\n",
      "broken/func.yml": "spec: {}\n---\nexce: {}\n",
    });
    const end = await jobscope(t, ["function", "run", ...args], options);
    assert.equal(end.exitCode, exitCode, end.stderr);
    assert.match(end.stderr, says);
    assert.doesNotMatch(end.stderr, /\n\s+at /);
  });
}

test("Ctrl-C ends the function and leaves nothing behind", async (t) => {
  const { options, temporary } = scene(t, {
    "slow/func.yml": 'spec: {}\n---\nexec: { command: [sh, -c, "echo begun; sleep 621; true"] }\n',
  });
  const running = startJobscope(t, ["function", "run", "./slow"], options);
  await running.said(/begun/);
  running.child.kill("SIGINT");
  const { exitCode, stderr } = await running.ended;
  assert.equal(exitCode, 1);
  assert.match(stderr, /cancel/);
  assert.deepEqual(readdirSync(temporary), []);
});

test("check names what a good function takes and gives", async (t) => {
  const { options } = scene(t, { "greet/func.yml": greet });
  const { exitCode, stdout } = await jobscope(t, ["function", "check", "greet"], options);
  assert.equal(exitCode, 0);
  assert.equal(
    stdout,
    "✓ greet/func.yml\n  input who: string, required\n  input count: number, default 1\n" +
      "  input token: string, sensitive, has a default\n  output greeting: string\n  output secret: string, sensitive\n",
  );
});

test("check names every problem with its place, and ends with 1", async (t) => {
  const text = "spec:\n  inputs:\n    a: { type: text }\n---\nexec:\n  command: []\n";
  const { options } = scene(t, { "bad/func.yml": text });
  const { exitCode, stdout } = await jobscope(t, ["function", "check", "bad"], options);
  assert.equal(exitCode, 1);
  assert.match(stdout, /func\.yml:3:\d+: .*type/);
  assert.match(stdout, /func\.yml:6:\d+: .*command/);
  assert.match(stdout, /\^/);
});

test("check says when there is nothing to check, and ends with 2", async (t) => {
  const { options } = scene(t, {});
  const { exitCode, stderr } = await jobscope(t, ["function", "check", "none"], options);
  assert.equal(exitCode, 2);
  assert.match(stderr, /none: there is no function/);
});
