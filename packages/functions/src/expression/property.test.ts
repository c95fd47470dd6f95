import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { compareCodePoints, compareValues } from "./compare.ts";
import { type EvaluationContext, evaluateTemplate } from "./evaluate.ts";
import { ExpressionError } from "./expression-error.ts";
import type { JsonValue } from "./json-value.ts";
import { printTemplate } from "./print.ts";
import { parseTemplate } from "./template.ts";
import { valueFromJson, valueToJson } from "./value.ts";
import { WorkMeter } from "./value-error.ts";

const context: EvaluationContext = new Map([
  ["inputs", valueFromJson({ a: 1, b: "two", list: [1, [2]], map: { k: null, "x-y": "z" }, secret: "s" }, ["inputs"])],
  ["env", valueFromJson({ HOME: "/home", N: "7" })],
]);

/** Texts made of the language's own pieces reach further into the parser than random characters. */
const pieces = fc.constantFrom(
  ...'${{ }} { } [ ] ( ) , : . + - * / % ! && || == != < <= > >= = & | " \' \\ \\" \\n \\u0041 \\${{ $ true false null'.split(
    " ",
  ),
  ...["inputs", ".a", ".b", "['list']", "env.HOME", "str(", "num(", "bool(", "1", "2.5e3", "for", "é", "😀", "\n", " "],
);
const hostileText = fc.oneof(
  fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join("")),
  fc.array(pieces, { maxLength: 30 }).map((parts) => `\${{ ${parts.join(" ")} }}`),
  fc.string({ unit: "binary", maxLength: 60 }),
);

/** Valid expressions as text, by the grammar of ci-functions.md §7.3. */
const { expression } = fc.letrec<{ expression: string; leaf: string }>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom("null", "true", "false", "inputs", "env", "x_1", "ünï"),
    fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => String(value)),
    fc.string({ unit: "grapheme" }).map((text) => `'${text.replace(/['\\]/g, "\\$&")}'`),
    fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text).replaceAll("${{", "\\${{")),
  ),
  expression: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    tie("leaf"),
    fc
      .tuple(
        tie("expression"),
        fc.constantFrom("||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"),
        tie("expression"),
      )
      .map(([left, operator, right]) => `${left} ${operator} ${right}`),
    fc.tuple(fc.constantFrom("+", "-", "!"), tie("expression")).map(([sign, operand]) => sign + operand),
    tie("expression").map((inner) => `(${inner})`),
    tie("expression").map((target) => `(${target}).type`),
    fc.tuple(tie("expression"), tie("expression")).map(([target, key]) => `(${target})[${key}]`),
    fc.array(tie("expression"), { maxLength: 3 }).map((items) => `str(${items.join(",")})`),
    fc.array(tie("expression"), { maxLength: 3 }).map((items) => `[${items.map((item) => `${item},`).join("")}]`),
    fc.tuple(tie("expression"), tie("expression")).map(([key, value]) => `{a: ${value}, for: 1, (${key}): ${value},}`),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `"a \\"\${{ ${a} }}\\\\\${{${b}}} \\\${{"`),
  ),
}));
const template = fc
  .array(
    fc.oneof(
      expression.map((text) => `\${{ ${text} }}`),
      fc.constantFrom("text ", "\\${{", "}}", "$", " {{"),
    ),
  )
  .map((parts) => parts.join(""));

const json: fc.Arbitrary<JsonValue> = fc.jsonValue({ maxDepth: 4 }).map((value) => value as JsonValue);

function outcomeOf(text: string): { json: JsonValue } | { error: string } {
  try {
    return { json: valueToJson(evaluateTemplate(parseTemplate(text), context)) };
  } catch (error) {
    if (error instanceof ExpressionError) return { error: error.message };
    throw error;
  }
}

suite("properties of the language", () => {
  test("any text gives a value or the language's own error", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        outcomeOf(text);
      }),
      { numRuns: 3_000 },
    );
  });

  test("a printed template parses to the same tree", () => {
    fc.assert(
      fc.property(template, (text) => {
        const tree = parseTemplate(text);
        assert.deepEqual(bare(parseTemplate(printTemplate(tree)).parts), bare(tree.parts));
      }),
      { numRuns: 1_000 },
    );
  });

  test("evaluating again gives the same, and the context stays as it was", () => {
    const before = JSON.stringify([...context].map(([name, value]) => [name, valueToJson(value)]));
    fc.assert(
      fc.property(template, (text) => {
        assert.deepEqual(outcomeOf(text), outcomeOf(text));
      }),
      { numRuns: 1_000 },
    );
    assert.equal(JSON.stringify([...context].map(([name, value]) => [name, valueToJson(value)])), before);
  });

  test("what comes from a sensitive value stays sensitive through text and arithmetic", () => {
    fc.assert(
      fc.property(expression, (text) => {
        let value: ReturnType<typeof evaluateTemplate>;
        try {
          value = evaluateTemplate(parseTemplate(`\${{ str(inputs) + str(${text}) }}`), context);
        } catch {
          return;
        }
        assert.notEqual(value.marks, undefined);
      }),
    );
  });

  test("JSON goes in and comes out unchanged", () => {
    fc.assert(
      fc.property(json, (value) => {
        const back = valueToJson(valueFromJson(value));
        assert.equal(JSON.stringify(back), JSON.stringify(value).toWellFormed());
      }),
    );
  });

  test("ordering is total: antisymmetric and transitive", () => {
    const order = (left: JsonValue, right: JsonValue) =>
      Math.sign(compareValues(valueFromJson(left), valueFromJson(right), new WorkMeter(100_000)));
    fc.assert(
      fc.property(json, json, json, (a, b, c) => {
        assert.equal(order(a, b) + order(b, a), 0);
        if (order(a, b) <= 0 && order(b, c) <= 0) assert.ok(order(a, c) <= 0);
      }),
    );
  });

  test("strings are ordered as their UTF-8 bytes are", () => {
    const wellFormed = fc.string({ unit: "binary" }).map((text) => text.toWellFormed());
    fc.assert(
      fc.property(wellFormed, wellFormed, (a, b) => {
        assert.equal(Math.sign(compareCodePoints(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 1_000 },
    );
  });
});

/** The tree without places and heights. */
function bare(tree: unknown): unknown {
  return JSON.parse(
    JSON.stringify(tree, (key, value) => (["start", "end", "height", "access"].includes(key) ? undefined : value)),
  );
}
