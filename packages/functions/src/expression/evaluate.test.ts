import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type EvaluationContext, evaluateTemplate, evaluateText, evaluateTyped } from "./evaluate.ts";
import { ExpressionError } from "./expression-error.ts";
import { parseTemplate } from "./template.ts";
import { arrayOf, deepMarks, objectOf, stringOf, type Value, valueFromJson, valueToJson } from "./value.ts";

const context: EvaluationContext = new Map<string, Value>([
  [
    "inputs",
    objectOf(
      new Map([
        ["name", stringOf("Ada")],
        ["secret", stringOf("hunter2hunter2", ["declared"])],
        ["login", valueFromJson({ user: "u", keys: ["k0"] }, ["declared"])],
        ["count", valueFromJson(3)],
      ]),
    ),
  ],
]);

function failureOf(text: string): ExpressionError {
  try {
    evaluateTemplate(parseTemplate(text), context);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error(`${text} did not fail`);
}

suite("errors point into the source", () => {
  const rows: readonly { text: string; message: string; excerpt: string }[] = [
    {
      text: '${{ "abc }}',
      message: "parser: string not terminating at 1:5",
      excerpt: '${{ "abc }}\n    ^',
    },
    {
      text: "first\né ${{ inputs.NOPE }}",
      message: 'evaluating expression failed at ".NOPE": attribute not found (there are: name, secret, login, count)',
      excerpt: "é ${{ inputs.NOPE }}\n            ^",
    },
    {
      text: "${{ nope }}",
      message: 'evaluating expression failed at "nope": attribute not found (there are: inputs)',
      excerpt: "${{ nope }}\n    ^",
    },
    {
      text: "${{ 1 + inputs.name }}",
      message:
        'evaluating expression failed at "1 + inputs.name": invalid kind: + needs two numbers or two strings, found number and string',
      excerpt: "${{ 1 + inputs.name }}\n    ^",
    },
    {
      text: "${{ 1 2 }}",
      message: 'parser: unexpected "2", expected "}}" at 1:7',
      excerpt: "${{ 1 2 }}\n      ^",
    },
    {
      text: "say ${{ inputs.name",
      message: 'parser: "${{" is never closed with "}}" at 1:5',
      excerpt: "say ${{ inputs.name\n    ^",
    },
    {
      text: "${{ inputs['constructor'] }}",
      message:
        "evaluating expression failed at \"['constructor']\": attribute not found (there are: name, secret, login, count)",
      excerpt: "${{ inputs['constructor'] }}\n          ^",
    },
  ];
  for (const row of rows) {
    test(JSON.stringify(row.text), () => {
      const error = failureOf(row.text);
      assert.equal(error.message, row.message);
      assert.equal(error.excerpt, row.excerpt);
    });
  }

  test("a long line is cut around the caret", () => {
    const { excerpt } = failureOf(`${"x".repeat(500)}\${{ nope }}${"y".repeat(500)}`);
    const [line = "", caret = ""] = excerpt.split("\n");
    assert.ok(line.length <= 102);
    assert.ok(line.slice(caret.indexOf("^")).startsWith("nope }}"));
  });
});

suite("sensitive values", () => {
  const rows: readonly { text: string; from: readonly string[] | undefined }[] = [
    { text: "${{ inputs.secret }}", from: ["inputs.secret"] },
    { text: "a ${{ inputs.secret }} b ${{ inputs.login.user }}", from: ["inputs.secret", "inputs.login.user"] },
    { text: "${{ inputs.login.keys[0] }}", from: ["inputs.login.keys[0]"] },
    { text: "${{ {a: [inputs.secret]} }}", from: ["inputs.secret"] },
    { text: "${{ str([inputs.secret]) }}", from: ["inputs.secret"] },
    { text: "${{ [inputs.secret] == ['x'] }}", from: ["inputs.secret"] },
    { text: "${{ {(inputs.secret): 1} }}", from: ["(inputs.secret)"] },
    { text: "${{ {hunter2hunter2: 1}[inputs.secret] }}", from: ["{hunter2hunter2: 1}[inputs.secret]"] },
    { text: "${{ !inputs.secret }}", from: ["inputs.secret"] },
    { text: "${{ inputs.nope || inputs.secret }}", from: ["inputs.secret"] },
    { text: '${{ "${{ inputs.secret }}" }}', from: ["inputs.secret"] },
    { text: "${{ inputs.count }}", from: undefined },
  ];
  for (const row of rows) {
    test(`${row.text} is ${row.from === undefined ? "not " : ""}marked`, () => {
      const value = evaluateTemplate(parseTemplate(row.text), context);
      assert.deepEqual(deepMarks(value), row.from);
    });
  }

  test("no error quotes a sensitive value or names the keys of a sensitive container", () => {
    for (const text of ["${{ num(inputs.secret) }}", "${{ inputs.secret + 1 }}", "${{ inputs.login.nope }}"]) {
      const { message, excerpt } = failureOf(text);
      assert.doesNotMatch(message + excerpt, /hunter2|user|k0/);
    }
  });
});

suite("destinations", () => {
  test("blanks around a single expression do not make a string of another kind where any type fits", () => {
    const typed = (text: string) => valueToJson(evaluateTyped(parseTemplate(text), context));
    assert.deepEqual(typed("${{ [1,2] }}\n"), [1, 2]);
    assert.equal(typed(" ${{ inputs.name }}\n"), " Ada\n");
    assert.equal(typed(" ${{ 1 }} ${{ 2 }}"), " 1 2");
  });

  test("a text destination converts what is no string and keeps the mark", () => {
    assert.deepEqual(evaluateText(parseTemplate("${{ inputs.login }}"), context), {
      text: '{"keys": ["k0"], "user": "u"}',
      marks: ["inputs.login"],
    });
    assert.equal(evaluateText(parseTemplate("${{ null }}"), context).text, "<null>");
  });
});

suite("limits", () => {
  const rows: readonly { name: string; text: string }[] = [
    { name: "nested parentheses", text: `\${{ ${"(".repeat(100_000)}1${")".repeat(100_000)} }}` },
    { name: "nested arrays", text: `\${{ ${"[".repeat(100_000)} }}` },
    { name: "a long run of signs", text: `\${{ ${"-".repeat(100_000)}1 }}` },
    { name: "templates in templates", text: '${{ "'.repeat(100_000) },
    { name: "a long chain of operators", text: `\${{ 1${" + 1".repeat(100_000)} }}` },
    { name: "a long chain of accesses", text: `\${{ inputs${".a".repeat(100_000)} }}` },
    { name: "very many nodes", text: `\${{ [${"1,".repeat(100_000)}] }}` },
    { name: "very many expressions", text: "${{ 1 }}".repeat(100_000) },
    { name: "an enormous text", text: "a".repeat(5_000_000) },
  ];
  for (const row of rows) {
    test(`${row.name} are refused, quickly`, () => {
      const start = performance.now();
      assert.equal(failureOf(row.text).code, "parse");
      assert.ok(performance.now() - start < 2_000);
    });
  }

  test("a small tree of shared parts cannot become an enormous text or comparison", () => {
    let bomb: Value = stringOf("boom");
    for (let level = 0; level < 60; level++) bomb = arrayOf([bomb, bomb]);
    let twin: Value = stringOf("boom");
    for (let level = 0; level < 60; level++) twin = arrayOf([twin, twin]);
    const hostile: EvaluationContext = new Map([
      ["bomb", bomb],
      ["twin", twin],
    ]);
    for (const text of ["${{ str(bomb) }}", "${{ bomb == twin }}", "x${{ bomb }}"]) {
      assert.throws(
        () => evaluateTemplate(parseTemplate(text), hostile),
        (error) => error instanceof ExpressionError && error.code === "limit",
        text,
      );
    }
    assert.equal(deepMarks(bomb), undefined);
    assert.throws(() => valueToJson(bomb), /too large/);
  });

  test("a text repeated through its own expression stays bounded", () => {
    const big: EvaluationContext = new Map([["big", stringOf("x".repeat(1_000_000))]]);
    assert.throws(
      () => evaluateTemplate(parseTemplate("${{ big }}".repeat(100)), big),
      (error) => error instanceof ExpressionError && error.code === "limit",
    );
  });
});
