import { isWord } from "./lex.ts";
import { binaryPrecedence, type Expression, type Template, type TemplatePart } from "./tree.ts";

/**
 * Writes a template as text that parses to the same tree. Not the text it came from: blanks, quotes and needless
 * parentheses are ours.
 */
export function printTemplate(template: Template): string {
  return template.parts
    .map((part) => (typeof part === "string" ? part.replaceAll("${{", "\\${{") : printInserted(part)))
    .join("");
}

function printInserted(expression: Expression): string {
  return `\${{ ${printExpression(expression)} }}`;
}

/** Writes one expression, with the fewest parentheses that keep its tree. */
function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case "literal":
      return typeof expression.value === "string" ? printRawString(expression.value) : String(expression.value);
    case "text":
      return `"${expression.parts.map(printTextPart).join("")}"`;
    case "name":
      return expression.name;
    case "member":
      return `${printTarget(expression.target)}.${expression.name}`;
    case "index":
      return `${printTarget(expression.target)}[${printExpression(expression.key)}]`;
    case "call":
      return `${printTarget(expression.target)}(${expression.arguments.map(printExpression).join(", ")})`;
    case "unary":
      return expression.operator + printOperand(expression.operand, strengthOf(expression));
    case "binary": {
      const strength = strengthOf(expression);
      const left = printOperand(expression.left, strength);
      return `${left} ${expression.operator} ${printOperand(expression.right, strength + 1)}`;
    }
    case "array":
      return `[${expression.items.map(printExpression).join(", ")}]`;
    case "object":
      return `{${expression.pairs.map(({ key, value }) => `${printKey(key)}: ${printExpression(value)}`).join(", ")}}`;
  }
}

const unaryStrength = 6;
const postfixStrength = 7;

function strengthOf(expression: Expression): number {
  if (expression.kind === "binary") return binaryPrecedence[expression.operator];
  return expression.kind === "unary" ? unaryStrength : postfixStrength;
}

function printOperand(expression: Expression, minStrength: number): string {
  const text = printExpression(expression);
  return strengthOf(expression) < minStrength ? `(${text})` : text;
}

/** A number before a dot would swallow it. */
function printTarget(expression: Expression): string {
  if (expression.kind === "literal" && typeof expression.value === "number") return `(${expression.value})`;
  return printOperand(expression, postfixStrength);
}

function printKey(key: Expression): string {
  if (key.kind === "literal" && typeof key.value === "string") {
    return isWord(key.value) ? key.value : printRawString(key.value);
  }
  return `(${printExpression(key)})`; // a bare word such as null would be a name
}

function printTextPart(part: TemplatePart): string {
  if (typeof part !== "string") return printInserted(part);
  return part.replace(/["\\]/g, "\\$&").replaceAll("${{", "\\${{");
}

function printRawString(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
