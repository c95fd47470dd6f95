import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createLocalProcesses, type FunctionErrorCode, type StepsOutcome } from "../src/index.ts";
import { functionFile, JobFixture, shellFunction } from "./job-fixture.ts";

const string = { type: "string" };

function assertFailed(outcome: StepsOutcome, code: FunctionErrorCode, message: string | RegExp): void {
  assert.equal(outcome.status, "failure");
  if (typeof message === "string") assert.equal(outcome.error?.message, message);
  else assert.match(outcome.error?.message ?? "", message);
  assert.equal(outcome.error?.code, code);
}

suite("the job's list (ci-functions.md §1)", () => {
  test("is a string with JSON inside, run in order, with a log line before each command", async () => {
    await using job = await JobFixture.create({
      "greet/func.yml": shellFunction("echo hello ${{ inputs.who }}", { inputs: { who: string } }),
    });
    const outcome = await job.run(
      JSON.stringify([
        { name: "first", script: "printf 'no line end'" },
        { name: "second", func: "./greet", inputs: { who: "Ada" } },
        { name: "third", step: "./greet", inputs: { who: "Bob" } },
      ]),
    );
    assert.equal(
      outcome.log,
      "Running step name=first\nno line end\nRunning step name=second\nhello Ada\nRunning step name=third\nhello Bob\n",
    );
    assert.equal(outcome.exitCode, 0);
  });

  test("an empty list succeeds", async () => {
    await using job = await JobFixture.create();
    assert.equal((await job.run([])).status, "success");
  });

  test("a bad list fails before any step runs", async () => {
    await using job = await JobFixture.create();
    const outcome = await job.run([
      { name: "a", script: "echo ran" },
      { name: "b", action: "x@y" },
    ]);
    assertFailed(outcome, "unsupported", /run\[1\]\.action: "action" steps are not supported/);
    assert.equal(outcome.log, "");
  });

  test("a later step of the same name replaces the earlier one, with a warning", async () => {
    await using job = await JobFixture.create({
      "say/func.yml": shellFunction(`echo '{"name":"v","value":"\${{ inputs.v }}"}' > \${{ output_file }}`, {
        inputs: { v: string },
        outputs: { v: string },
      }),
    });
    const outcome = await job.run([
      { name: "a", func: "./say", inputs: { v: "1" } },
      { name: "a", func: "./say", inputs: { v: "2" } },
      { name: "b", script: "echo got ${{ steps.a.outputs.v }}" },
    ]);
    assert.equal(outcome.lines.at(-1), "got 2");
    assert.match(outcome.warnings[0] ?? "", /earlier step has this name/);
  });
});

suite("script steps (ci-functions.md §1.4)", () => {
  const rows: readonly { name: string; script: string; lines: string[]; env?: Record<string, string> }[] = [
    { name: "run in bash", script: 'echo "${BASH_VERSION:+bash}"', lines: ["bash"] },
    { name: "run without errexit: the last command decides", script: "false\necho on", lines: ["on"] },
    { name: "run without pipefail", script: "false | true", lines: [] },
    { name: "see the step's env", script: "echo $X", env: { X: "${{ vars.V }}" }, lines: ["v a l"] },
    { name: "do not see job variables in the environment", script: 'echo "<$V>"', lines: ["<>"] },
    {
      name: "are templates before the shell reads them, without quoting",
      script: "echo ${{ vars.V }}",
      lines: ["v a l"],
    },
    { name: "keep what is inserted as it is", script: "cat <<'X'\n${{ vars.T }}\nX", lines: ["${{ vars.V }}"] },
    {
      name: "keep a shell's own braces",
      script: "A=1; echo ${A} $((1+1)) '\\${{ x }} }}'",
      lines: ["1 2 ${{ x }} }}"],
    },
    { name: "have empty standard input", script: "cat; echo end", lines: ["end"] },
    {
      name: "may name /dev/stdout and /dev/stderr",
      script: "echo a > /dev/stderr; echo b > /dev/stdout",
      lines: ["a", "b"],
    },
  ];
  for (const { name, script, lines, env } of rows) {
    test(name, async () => {
      await using job = await JobFixture.create();
      const steps = [{ name: "s", script, ...(env && { env }) }];
      assert.deepEqual(await job.output(steps, { vars: { V: "v a l", T: "${{ vars.V }}" } }), lines);
    });
  }

  test("run in the job's directory, also from within a function", async () => {
    await using job = await JobFixture.create({
      "f/func.yml": functionFile({}, { run: [{ name: "in", script: "pwd" }] }),
    });
    assert.deepEqual(
      await job.output([
        { name: "s", script: "pwd" },
        { name: "f", func: "./f" },
      ]),
      [job.workDir, job.workDir],
    );
  });

  test("keep the order of both streams", async () => {
    await using job = await JobFixture.create();
    const script = "for i in 1 2 3 4 5 6 7 8 9; do echo $i; echo $i >&2; done";
    const expected = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((digit) => [`${digit}`, `${digit}`]);
    assert.deepEqual(await job.output([{ name: "s", script }]), expected);
  });

  test("say so when there is no shell", async () => {
    await using job = await JobFixture.create();
    await using machine = createLocalProcesses({ tempDir: job.tempDir });
    const processes = { ...machine, findProgram: () => Promise.resolve(undefined) };
    const outcome = await job.run([{ name: "s", script: "true" }], { processes });
    assertFailed(outcome, "command_failed", /shell not found/);
    assert.equal(outcome.exitCode, 1);
  });
});

suite("references and files (ci-functions.md §2)", () => {
  test("func.yml goes before step.yml, a named file has no fallback", async () => {
    await using job = await JobFixture.create({
      "both/func.yml": shellFunction("echo func"),
      "both/step.yml": shellFunction("echo step"),
      "old/step.yml": shellFunction("echo old"),
      "old/other.yml": shellFunction("echo other"),
    });
    const names = ["./both", "both/step.yml", "./old", "./old/other.yml"].map((path) =>
      path.startsWith(".") ? path : `./${path}`,
    );
    const steps = names.map((func, at) => ({ name: `s${at}`, func }));
    assert.deepEqual(await job.output(steps), ["func", "step", "old", "other"]);
    assertFailed(
      await job.run([{ name: "a", func: "./both/none.yml" }]),
      "function_not_found",
      'step "a": failed to load: function ./both/none.yml: has no none.yml',
    );
    assertFailed(await job.run([{ name: "a", func: "./nowhere" }]), "function_not_found", /does not exist/);
  });

  test("relative references start at the calling function, also when an expression gives them", async () => {
    await using job = await JobFixture.create({
      "outer/func.yml": functionFile(
        { inputs: { which: string } },
        {
          run: [
            { name: "a", func: "../inner" },
            { name: "b", func: "${{ inputs.which }}" },
          ],
        },
      ),
      "inner/func.yml": shellFunction("echo inner from ${{ func_dir }} ${{ step_dir }}"),
      "outer/own/func.yml": shellFunction("echo own"),
    });
    assert.deepEqual(await job.output([{ name: "o", func: "./outer", inputs: { which: "./own" } }]), [
      `inner from ${job.workDir}/inner ${job.workDir}/inner`,
      "own",
    ]);
  });

  test("a step may write the function that a later step calls", async () => {
    await using job = await JobFixture.create();
    const script = `mkdir -p late && cat > late/func.yml <<'X'\n${shellFunction("echo late")}X\n`;
    assert.deepEqual(
      await job.output([
        { name: "w", script },
        { name: "late", func: "./late" },
      ]),
      ["late"],
    );
  });

  test("a reference must be a string, and a failed one is a failure to load", async () => {
    await using job = await JobFixture.create();
    assertFailed(
      await job.run([{ name: "a", func: "${{ 1 }}" }]),
      "invalid_reference",
      'step "a": failed to load: a reference to a function must be a string, found number',
    );
    assertFailed(await job.run([{ name: "a", func: "builtin://nope" }]), "function_not_found", /"nope" was not found/);
  });

  test("a broken definition points at its line", async () => {
    await using job = await JobFixture.create({ "f/func.yml": "spec:\n  inputs:\n    a: {type: int}\n---\nrun: []\n" });
    const { error } = await job.run([{ name: "a", func: "./f" }]);
    assert.match(
      error?.message ?? "",
      /^step "a": failed to load: \.\/f\/func\.yml:3:15: spec\.inputs\.a\.type: must be one of/,
    );
    assert.equal(error?.place?.excerpt, "    a: {type: int}\n              ^");
  });

  test("a function that calls itself without end is stopped", async () => {
    await using job = await JobFixture.create({
      "f/func.yml": functionFile({}, { run: [{ name: "again", func: "." }] }),
    });
    assertFailed(await job.run([{ name: "a", func: "./f" }]), "unsupported", /call each other too deeply/);
  });
});

suite("inputs (ci-functions.md §4.2)", () => {
  const spec = {
    inputs: {
      s: { type: "string", default: "${{ literal }}" },
      n: { type: "number", default: 0 },
      b: { type: "boolean", default: false },
      l: { type: "array", default: [] },
      o: { type: "struct", default: {} },
    },
  };
  const show = functionFile(spec, {
    exec: {
      command: [
        "printf",
        "%s\\n",
        "${{ inputs.s }}",
        "${{ inputs.n }}",
        "${{ inputs.b }}",
        "${{ inputs.l }}",
        "${{ inputs.o }}",
      ],
    },
  });

  test("defaults are literal, values keep their types, templates reach into arrays, objects and keys", async () => {
    await using job = await JobFixture.create({ "show/func.yml": show });
    assert.deepEqual(
      await job.output(
        [
          { name: "a", func: "./show" },
          {
            name: "b",
            func: "./show",
            inputs: {
              s: "x${{ 1 }}",
              n: '${{ num("5") }}',
              b: "${{ 1 == 1 }}",
              l: ["${{ 2 }}", { k: null }],
              o: { "${{ vars.K }}": "${{ [1] }}\n" },
            },
          },
        ],
        { vars: { K: "key" } },
      ),
      ["${{ literal }}", "0", "false", "[]", "{}", "x1", "5", "true", '[2, {"k": null}]', '{"key": [1]}'],
    );
  });

  const refusals: readonly { name: string; inputs: object; message: string; code?: FunctionErrorCode }[] = [
    {
      name: "an undeclared input",
      inputs: { x: 1 },
      message: 'step does not accept input with name "x" (it accepts s, n, b, l, o)',
    },
    { name: "a string for a number", inputs: { n: "5" }, message: 'input "n": declared as number, received string' },
    {
      name: "a number in text",
      inputs: { n: "${{ 1 }}${{ 2 }}" },
      message: 'input "n": declared as number, received string',
    },
    { name: "null", inputs: { s: null }, message: 'input "s": declared as string, received null' },
    {
      name: "an unknown name",
      inputs: { s: "${{ vars.NOPE }}" },
      message: 'input "s": evaluating expression failed at ".NOPE": attribute not found (there are none)',
      code: "expression_failed",
    },
  ];
  for (const { name, inputs, message, code } of refusals) {
    test(`${name} is refused`, async () => {
      await using job = await JobFixture.create({ "show/func.yml": show });
      const outcome = await job.run([{ name: "a", func: "./show", inputs }]);
      assertFailed(outcome, code ?? "invalid_input", `step "a": failed to load: ${message}`);
    });
  }

  test("a required input must be given", async () => {
    await using job = await JobFixture.create({
      "f/func.yml": shellFunction("true", { inputs: { who: { type: "string", default: null } } }),
    });
    assertFailed(
      await job.run([{ name: "a", func: "./f" }]),
      "invalid_input",
      'step "a": failed to load: input "who" required, but not defined',
    );
  });

  test("a wrong type can be a warning instead", async () => {
    await using job = await JobFixture.create({ "show/func.yml": show });
    const outcome = await job.run([{ name: "a", func: "./show", inputs: { n: "5" } }], { typeMismatch: "warn" });
    assert.equal(outcome.status, "success");
    assert.deepEqual(outcome.warnings, ['step "a": input "n": declared as number, received string']);
  });

  test("an expression error keeps line, column and excerpt of the field", async () => {
    await using job = await JobFixture.create();
    const { error } = await job.run([{ name: "a", script: "echo 1\necho ${{ vars. }}" }]);
    assert.match(error?.message ?? "", /parser: unexpected "}", expected a name at 2:16/);
    assert.deepEqual(error?.place, { line: 2, column: 16, excerpt: "echo ${{ vars. }}\n               ^" });
  });
});

suite("outputs (ci-functions.md §4.3, §4.5)", () => {
  const outputs = { s: string, n: { type: "number", default: 7 }, o: { type: "struct", default: { k: [1] } } };
  const write = (lines: string) => shellFunction(`printf '%s' '${lines}' > \${{ output_file }}`, { outputs });
  const useSteps = [
    { name: "f", func: "./f" },
    {
      name: "use",
      script: "echo '${{ steps.f.outputs.s }}' ${{ steps.f.outputs.n + 1 }} ${{ steps.f.outputs.o.k[0] }}",
    },
  ];

  const accepted: readonly { name: string; lines: string; output: string }[] = [
    {
      name: "the last of a name wins, defaults fill",
      lines: '{"name":"s","value":"a"}\n{"name":"s","value":"b"}',
      output: "b 8 1",
    },
    {
      name: "blank lines, CR, blanks and extra keys are fine",
      lines: '\n  {"name":"s","value":" x ","more":1} \r\n\n',
      output: " x  8 1",
    },
    {
      name: "contents are never evaluated",
      lines: '{"name":"s","value":"${{ 1 }}"}',
      output: "${{ 1 }} 8 1",
    },
    {
      name: "typed values arrive as they are",
      lines: '{"name":"n","value":1.5}\n{"name":"s","value":"x"}',
      output: "x 2.5 1",
    },
    { name: "a long line is read", lines: `{"name":"s","value":"ok"${" ".repeat(70_000)}}`, output: "ok 8 1" },
  ];
  for (const { name, lines, output } of accepted) {
    test(name, async () => {
      await using job = await JobFixture.create();
      await job.write("lines", lines);
      await job.write("f/func.yml", shellFunction("cat lines > ${{ output_file }}", { outputs }));
      assert.deepEqual(await job.output(useSteps), [output]);
    });
  }

  const refused: readonly { name: string; lines: string; message: string }[] = [
    {
      name: "an undeclared output",
      lines: '{"name":"x","value":1}',
      message: 'key "x": unexpected output, remove it or declare it in the spec',
    },
    {
      name: "another type",
      lines: '{"name":"s","value":1}',
      message: 'key "s": mismatched types, declared as string, received number',
    },
    { name: "a missing output", lines: "", message: 'key "s": missing output' },
    {
      name: "a null value",
      lines: '{"name":"s","value":null}',
      message: 'failed to unmarshal JSON at line 1: "value" field value is null',
    },
    {
      name: "no value",
      lines: '\n\n{"name":"s"}',
      message: 'failed to unmarshal JSON at line 3: "value" field is missing',
    },
    { name: "no name", lines: '{"value":"s"}', message: 'failed to unmarshal JSON at line 1: "name" field is missing' },
    {
      name: "an empty name",
      lines: '{"name":"","value":"s"}',
      message: 'failed to unmarshal JSON at line 1: "name" field value is empty',
    },
    {
      name: "the old name=value form",
      lines: "s=hunter2hunter2",
      message: 'failed to unmarshal JSON at line 1: not a JSON object such as {"name":"size","value":1}',
    },
    {
      name: "a number beyond all bounds",
      lines: '{"name":"n","value":1e999}',
      message: 'failed to unmarshal JSON at line 1: not a JSON object such as {"name":"size","value":1}',
    },
    {
      name: "a value nested too deeply",
      lines: `{"name":"s","value":${"[".repeat(500)}${"]".repeat(500)}}`,
      message: 'key "s": value is nested too deeply',
    },
    {
      name: "a list",
      lines: "[1]",
      message: 'failed to unmarshal JSON at line 1: not a JSON object such as {"name":"size","value":1}',
    },
  ];
  for (const { name, lines, message } of refused) {
    test(`${name} fails the step, without quoting it`, async () => {
      await using job = await JobFixture.create({ "f/func.yml": write(lines) });
      const outcome = await job.run([
        { name: "f", func: "./f" },
        { name: "never", script: "echo never" },
      ]);
      assertFailed(outcome, "invalid_output", `step "f": output file: ${message}`);
      assert.doesNotMatch(outcome.log, /never|hunter2/);
    });
  }

  test("the offending line is in the log in debug mode only", async () => {
    await using job = await JobFixture.create({ "f/func.yml": write("s=wrong") });
    const outcome = await job.run([{ name: "f", func: "./f" }], { vars: { CI_STEPS_LOG_LEVEL: "DEBUG" } });
    assert.match(outcome.log, /^line 1: s=wrong$/m);
    assert.doesNotMatch(outcome.error?.message ?? "", /wrong/);
  });

  test("files replaced by something else fail the step and are removed", async () => {
    for (const replace of ["mkdir", "mkfifo"]) {
      await using job = await JobFixture.create({
        "f/func.yml": shellFunction(`rm \${{ output_file }}; ${replace} \${{ output_file }}`),
      });
      assertFailed(await job.run([{ name: "f", func: "./f" }]), "invalid_output", /no regular file|cannot be read/);
    }
  });

  test("a run form's outputs come from its definition, checked the same way", async () => {
    const spec = { outputs: { s: string, n: { type: "number", default: 3 } } };
    await using job = await JobFixture.create({
      "give/func.yml": shellFunction(`echo '{"name":"v","value":"deep"}' > \${{ output_file }}`, {
        outputs: { v: string },
      }),
      "f/func.yml": functionFile(spec, {
        run: [{ name: "g", func: "../give" }],
        outputs: { s: "${{ steps.g.outputs.v }}!" },
      }),
      "wrong/func.yml": functionFile(spec, { run: [], outputs: { s: "${{ 1 }}" } }),
      "more/func.yml": functionFile(spec, { run: [], outputs: { s: "x", t: 1 } }),
    });
    assert.deepEqual(
      await job.output([
        { name: "f", func: "./f" },
        { name: "u", script: "echo ${{ steps.f.outputs.s }} ${{ steps.f.outputs.n }}" },
      ]),
      ["deep! 3"],
    );
    assertFailed(
      await job.run([{ name: "f", func: "./wrong" }]),
      "invalid_output",
      'step "f": outputs: key "s": mismatched types, declared as string, received number',
    );
    assertFailed(await job.run([{ name: "f", func: "./more" }]), "invalid_output", /key "t": unexpected output/);
    assertFailed(
      await job.run([
        { name: "f", func: "./f" },
        { name: "u", script: "${{ steps.g.outputs.v }}" },
      ]),
      "expression_failed",
      /"\.g": attribute not found \(there are: f\)/,
    );
  });

  test("delegate returns the outputs of the named step, and of a result file for the exec form", async () => {
    await using job = await JobFixture.create({
      "give/func.yml": shellFunction(`echo '{"name":"v","value":"given"}' > \${{ output_file }}`, {
        outputs: { v: string },
      }),
      "f/func.yml": functionFile({ outputs: "delegate" }, { run: [{ name: "g", func: "../give" }], delegate: "g" }),
      "none/func.yml": functionFile({ outputs: "delegate" }, { run: [], delegate: "g" }),
      "e/func.yml": shellFunction(`echo '{"status":"success","outputs":{"v":[1,2]}}' > \${{ output_file }}`, {
        outputs: "delegate",
      }),
      "bad/func.yml": shellFunction("echo '[]' > ${{ output_file }}", { outputs: "delegate" }),
    });
    const steps = [
      { name: "f", func: "./f" },
      { name: "e", func: "./e" },
      { name: "u", script: "echo ${{ steps.f.outputs.v }} ${{ steps.e.outputs.v[1] }}" },
    ];
    assert.deepEqual(await job.output(steps), ["given 2"]);
    assertFailed(
      await job.run([{ name: "n", func: "./none" }]),
      "invalid_output",
      'step "n": outputs: delegate: could not find step with name "g"',
    );
    assertFailed(await job.run([{ name: "n", func: "./bad" }]), "invalid_output", /must hold one JSON document/);
  });
});

suite("sensitive values (ci-functions.md §4.4)", () => {
  const secretive = {
    "give/func.yml": shellFunction(`echo '{"name":"token","value":"s3cr3t-token"}' > \${{ output_file }}`, {
      outputs: { token: { type: "string", sensitive: true } },
    }),
    "take/func.yml": shellFunction("echo took ${{ inputs.v }}", { inputs: { v: string } }),
    "safe/func.yml": functionFile(
      { inputs: { v: { type: "string", sensitive: true } }, outputs: { o: string } },
      { run: [{ name: "leak", func: "../take", inputs: { v: "${{ inputs.v }}" } }] },
    ),
    "pass/func.yml": functionFile(
      { outputs: { copy: string } },
      { run: [{ name: "g", func: "../give" }], outputs: { copy: "<${{ steps.g.outputs.token }}>" } },
    ),
    "del/func.yml": functionFile({ outputs: "delegate" }, { run: [{ name: "g", func: "../give" }], delegate: "g" }),
  };
  const rows: readonly { name: string; steps: object[]; from: string }[] = [
    {
      name: "an output",
      steps: [
        { name: "g", func: "./give" },
        { name: "t", func: "./take", inputs: { v: "x${{ steps.g.outputs.token }}" } },
      ],
      from: "steps.g.outputs.token",
    },
    { name: "an input", steps: [{ name: "s", func: "./safe", inputs: { v: "plain" } }], from: "inputs.v" },
    {
      name: "a delegated output",
      steps: [
        { name: "d", func: "./del" },
        { name: "t", func: "./take", inputs: { v: "${{ steps.d.outputs.token }}" } },
      ],
      from: "steps.d.outputs.token",
    },
    {
      name: "an output made of a sensitive one",
      steps: [
        { name: "p", func: "./pass" },
        { name: "t", func: "./take", inputs: { v: "${{ steps.p.outputs.copy }}" } },
      ],
      from: "steps.p.outputs.copy",
    },
  ];
  for (const { name, steps, from } of rows) {
    test(`${name} declared sensitive cannot go where sensitivity is not declared`, async () => {
      await using job = await JobFixture.create(secretive);
      const outcome = await job.run(steps);
      assert.match(outcome.error?.message ?? "", /non-sensitive input cannot derive value using sensitive value\(s\) /);
      assert.ok(outcome.error?.message.includes(` ${from};`), outcome.error?.message);
      assert.doesNotMatch(outcome.error?.message ?? "", /s3cr3t|plain/);
    });
  }

  test("texts of sensitive inputs and outputs are told before a command could print them", async () => {
    await using job = await JobFixture.create(secretive);
    await job.run([
      { name: "g", func: "./give" },
      { name: "s", func: "./safe", inputs: { v: "another-secret" } },
    ]);
    assert.deepEqual(job.sensitiveTexts, ["s3cr3t-token", "another-secret"]);
  });

  test("job variables may go anywhere, and sensitive values into env and commands", async () => {
    await using job = await JobFixture.create(secretive);
    assert.deepEqual(
      await job.output(
        [
          { name: "t", func: "./take", inputs: { v: "${{ vars.PASSWORD }}" } },
          { name: "g", func: "./give" },
          { name: "e", script: "echo $T", env: { T: "${{ steps.g.outputs.token }}" } },
        ],
        { vars: { PASSWORD: "pw" } },
      ),
      ["took pw", "s3cr3t-token"],
    );
  });
});

suite("environment and exports (ci-functions.md §4.5, §4.6)", () => {
  const show = shellFunction('echo "A=$A B=$B C=$C"');
  const exporting = (lines: string) => shellFunction(`printf '%s\\n' '${lines}' >> \${{ export_file }}`);

  test("a definition's env is strongest, then the step's, then enclosing ones, then exports, then the base", async () => {
    await using job = await JobFixture.create({
      "show/func.yml": show,
      "own/func.yml": functionFile(
        {},
        { env: { A: "definition" }, exec: { command: ["sh", "-c", 'echo "A=$A B=$B C=$C"'] } },
      ),
      "outer/func.yml": functionFile(
        {},
        {
          env: { A: "outer", B: "outer", C: "outer" },
          run: [{ name: "i", func: "../own", env: { A: "step", B: "step" } }],
        },
      ),
      "export/func.yml": exporting('{"name":"A","value":"exported"}'),
    });
    assert.deepEqual(
      await job.output(
        [
          { name: "base", func: "./show" },
          { name: "x", func: "./export" },
          { name: "exported", func: "./show" },
          { name: "step", func: "./show", env: { A: "step" } },
          { name: "nested", func: "./outer", env: { C: "far", B: "far" } },
          { name: "after", func: "./show" },
        ],
        { env: { PATH: "/usr/bin:/bin", A: "base" } },
      ),
      ["A=base B= C=", "A=exported B= C=", "A=step B= C=", "A=definition B=step C=outer", "A=exported B= C="],
    );
  });

  test("entries of one env see the outer values, and a step's inputs do not see its env", async () => {
    await using job = await JobFixture.create({
      "f/func.yml": functionFile(
        { inputs: { a: string } },
        {
          env: { A: "${{ env.A }}+", B: "${{ env.A }}" },
          exec: { command: ["sh", "-c", "echo $A $B ${{ inputs.a }} ${{ env.A }}"] },
        },
      ),
    });
    const steps = [{ name: "f", func: "./f", inputs: { a: "${{ env.A || 'none' }}" }, env: { A: "step" } }];
    assert.deepEqual(await job.output(steps), ["step+ step none step+"]);
  });

  test("exports inside a nested list are visible to its later steps and to the job", async () => {
    await using job = await JobFixture.create({
      "x/func.yml": exporting('{"name":"PATH","value":"/new:/usr/bin:/bin"}'),
      "f/func.yml": functionFile(
        {},
        {
          run: [
            { name: "x", func: "../x" },
            { name: "p", script: "echo $PATH" },
          ],
        },
      ),
    });
    assert.deepEqual(
      await job.output([
        { name: "f", func: "./f" },
        { name: "p", script: "echo ${{ env.PATH }}" },
      ]),
      ["/new:/usr/bin:/bin", "/new:/usr/bin:/bin"],
    );
  });

  const texts: readonly [value: string, text: string][] = [
    ['"as is"', "as is"],
    ["true", "true"],
    ["56.99", "56.99"],
    ["1.0", "1"],
    ["1e21", "1000000000000000000000"],
    ["-1.5e-7", "-0.00000015"],
    ["1.25e22", "12500000000000000000000"],
  ];
  for (const [value, text] of texts) {
    test(`exporting ${value} gives ${text}`, async () => {
      await using job = await JobFixture.create({ "x/func.yml": exporting(`{"name":"X","value":${value}}`) });
      assert.deepEqual(
        await job.output([
          { name: "x", func: "./x" },
          { name: "u", script: 'echo "$X"' },
        ]),
        [text],
      );
    });
  }

  const refused: readonly [line: string, message: RegExp][] = [
    ['{"name":"X","value":[1]}', /^step "x": export file: key "X": cannot convert value type array to string$/],
    ['{"name":"X","value":{}}', /cannot convert value type struct to string$/],
    ['{"name":"X=Y","value":"1"}', /hold no = and no NUL$/],
    ["X=Y", /failed to unmarshal JSON at line 1/],
  ];
  for (const [line, message] of refused) {
    test(`the export ${line} is refused`, async () => {
      await using job = await JobFixture.create({ "x/func.yml": exporting(line) });
      assertFailed(await job.run([{ name: "x", func: "./x" }]), "invalid_export", message);
    });
  }

  test("exports count only when the command and its outputs are right", async () => {
    await using job = await JobFixture.create({
      "x/func.yml": shellFunction(`echo '{"name":"X","value":"1"}' > \${{ export_file }}`, { outputs: { o: string } }),
    });
    const outcome = await job.run([{ name: "x", func: "./x" }]);
    assertFailed(outcome, "invalid_output", /missing output/);
    assert.deepEqual(outcome.result.steps?.[0]?.exports, {});
  });

  test("CI_STEPS_LOG_LEVEL is always set, and checked", async () => {
    await using job = await JobFixture.create();
    const steps = [{ name: "s", script: "echo $CI_STEPS_LOG_LEVEL" }];
    assert.deepEqual(await job.output(steps), ["info"]);
    assert.deepEqual(await job.output(steps, { vars: { CI_STEPS_LOG_LEVEL: "Warn" } }), ["warn"]);
    const outcome = await job.run(steps, { vars: { CI_STEPS_LOG_LEVEL: "loud" } });
    assertFailed(outcome, "invalid_definition", /must be one of debug, info, warn, error/);
  });
});

suite("names of the context (ci-functions.md §7.11, §8)", () => {
  test("vars and job hold the variables, a file variable its path, reserved ones nothing", async () => {
    await using job = await JobFixture.create();
    const outcome = await job.run(
      [
        {
          name: "a",
          script:
            "cat ${{ vars.KEY }}; stat -c %a ${{ vars.KEY }}; basename ${{ job.KEY }}; echo ${{ vars.STEPS || 'none' }}",
        },
        { name: "b", script: "echo ${{ work_dir }} ${{ func_dir }} ${{ vars.FF_USE_NATIVE_STEPS || 'none' }}" },
      ],
      {
        variables: [
          { key: "KEY", value: "content\n", file: true },
          { key: "STEPS", value: "x" },
          { key: "FF_USE_NATIVE_STEPS", value: "1" },
        ],
      },
    );
    assert.deepEqual(
      outcome.lines.filter((line) => !line.startsWith("Running")),
      ["content", "600", "KEY", "none", `${job.workDir} ${job.workDir} none`],
    );
  });
});

suite("commands (ci-functions.md §5.2)", () => {
  const exec = (command: string[], more: object = {}) => functionFile({}, { exec: { command, ...more } });

  test("have no shell, and their program is found by path or PATH", async () => {
    await using job = await JobFixture.create({
      "glob/func.yml": exec(["echo", "*", "$HOME", "a && b"]),
      "rel/func.yml": exec(["./tool.sh"], { work_dir: "${{ func_dir }}" }),
      "sub/func.yml": exec(["pwd"], { work_dir: "sub" }),
      "own/func.yml": functionFile({}, { env: { PATH: "${{ func_dir }}" }, exec: { command: ["tool.sh"] } }),
    });
    for (const at of ["rel", "own"]) await job.write(`${at}/tool.sh`, "#!/bin/sh\necho tool $0\n", 0o755);
    assert.deepEqual(await job.output(["glob", "rel", "sub", "own"].map((name) => ({ name, func: `./${name}` }))), [
      "* $HOME a && b",
      `tool ${job.workDir}/rel/tool.sh`,
      `${job.workDir}/sub`,
      `tool ${job.workDir}/own/tool.sh`,
    ]);
  });

  const failures: readonly { name: string; command: string[]; more?: object; message: RegExp; exitCode: number }[] = [
    { name: "an exit code", command: ["sh", "-c", "exit 3"], message: /^step "f": exec: exit code 3$/, exitCode: 3 },
    {
      name: "a signal",
      command: ["sh", "-c", "kill -9 $$"],
      message: /^step "f": exec: ended by SIGKILL, exit code -1$/,
      exitCode: -1,
    },
    {
      name: "no such program",
      command: ["no-such-program"],
      message: /exec: "no-such-program": executable file not found in PATH/,
      exitCode: -1,
    },
    { name: "no such file", command: ["./none"], message: /exec: "\.\/none": no such file/, exitCode: -1 },
    { name: "no permission", command: ["./f/func.yml"], message: /permission denied/, exitCode: -1 },
    {
      name: "no such directory",
      command: ["true"],
      more: { work_dir: "nope" },
      message: /working directory .* does not exist/,
      exitCode: -1,
    },
  ];
  for (const { name, command, more, message, exitCode } of failures) {
    test(`${name} fails the step`, async () => {
      await using job = await JobFixture.create({ "f/func.yml": exec(command, more) });
      const outcome = await job.run([{ name: "f", func: "./f" }]);
      assertFailed(outcome, "command_failed", message);
      assert.equal(outcome.exitCode, exitCode);
      assert.equal(outcome.result.steps?.[0]?.exec?.exitCode, exitCode);
    });
  }

  test("a failure ends all enclosing lists and names its way from the outside in", async () => {
    await using job = await JobFixture.create({
      "push/func.yml": exec(["sh", "-c", "exit 5"]),
      "deploy/func.yml": functionFile(
        {},
        {
          run: [
            { name: "push", func: "../push" },
            { name: "never", script: "echo never" },
          ],
        },
      ),
    });
    const outcome = await job.run([
      { name: "deploy", func: "./deploy" },
      { name: "never", script: "echo never" },
    ]);
    assertFailed(outcome, "command_failed", 'step "deploy": step "push": exec: exit code 5');
    assert.deepEqual(outcome.error?.stepPath, ["deploy", "push"]);
    assert.equal(outcome.exitCode, 5);
    assert.deepEqual(outcome.lines, ["Running step name=push"]);
  });

  test("a receiver that is slow holds the command back; nothing is lost, doubled or out of order", async () => {
    await using job = await JobFixture.create();
    const chunks: Uint8Array[] = [];
    let open = 0;
    const outcome = await job.run(
      [
        { name: "s", script: "seq 1 200000" },
        { name: "t", script: "echo end" },
      ],
      {
        log: {
          async write(chunk) {
            assert.equal(open++, 0, "one write at a time");
            await new Promise((resolve) => setImmediate(resolve));
            chunks.push(Buffer.from(chunk));
            open--;
          },
        },
      },
    );
    assert.equal(outcome.error, undefined);
    const numbers = Array.from({ length: 200_000 }, (_, at) => `${at + 1}\n`).join("");
    const expected = `Running step name=s\n${numbers}Running step name=t\nend\n`;
    assert.ok(Buffer.concat(chunks).toString() === expected);
    assert.ok(chunks.length > 10);
  });

  test("a receiver that fails makes the step fail, and the job ends", async () => {
    await using job = await JobFixture.create();
    for (const write of [
      () => Promise.reject(new Error("disk full")),
      () => {
        throw new Error("disk full");
      },
    ]) {
      let count = 0;
      const outcome = await job.run([{ name: "s", script: "seq 1 100000" }], {
        log: { write: () => (count++ === 0 ? undefined : write()) },
      });
      assert.equal(outcome.error?.message, 'step "s": internal error: disk full');
    }
  });

  test("a process left in the background does not hold the step", async () => {
    await using job = await JobFixture.create();
    const output = await job.output([
      { name: "s", script: "sleep 60 & echo $!" },
      { name: "t", script: "echo next" },
    ]);
    assert.equal(output[1], "next");
    process.kill(Number(output[0]), "SIGKILL");
  });
});
