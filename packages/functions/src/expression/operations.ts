import { compareValues, valuesEqual } from "./compare.ts";
import { expressionLimits } from "./limits.ts";
import type { BinaryOperator, UnaryOperator } from "./tree.ts";
import { booleanOf, mergeMarks, numberOf, stringOf, type Value } from "./value.ts";
import { ValueError, type WorkMeter } from "./value-error.ts";

/** Falsy are null, false, zero, and empty text, array and object (ci-functions.md §7.5); `"false"` is truthy. */
export function isTruthy(value: Value): boolean {
  switch (value.kind) {
    case "null":
      return false;
    case "array":
      return value.items.length > 0;
    case "object":
      return value.entries.size > 0;
    case "boolean":
      return value.value;
    case "number":
      return value.value !== 0;
    case "string":
      return value.value !== "";
  }
}

/** `+a`, `-a` of numbers, `!a` of anything (§7.4). */
export function applyUnary(operator: UnaryOperator, operand: Value): Value {
  if (operator === "!") return booleanOf(!isTruthy(operand), operand.marks);
  if (operand.kind !== "number") throw invalidKind(`unary ${operator} needs a number, found ${operand.kind}`);
  return operator === "-" ? numberOf(-operand.value, operand.marks) : operand;
}

/** Every binary operator but `&&` and `||`; no operand is ever converted (§7.4). */
export function applyBinary(
  operator: Exclude<BinaryOperator, "&&" | "||">,
  left: Value,
  right: Value,
  meter: WorkMeter,
): Value {
  const marks = mergeMarks(left.marks, right.marks);
  switch (operator) {
    case "==":
      return booleanOf(valuesEqual(left, right, meter), marks);
    case "!=":
      return booleanOf(!valuesEqual(left, right, meter), marks);
    case "<":
      return booleanOf(compareValues(left, right, meter) < 0, marks);
    case "<=":
      return booleanOf(compareValues(left, right, meter) <= 0, marks);
    case ">":
      return booleanOf(compareValues(left, right, meter) > 0, marks);
    case ">=":
      return booleanOf(compareValues(left, right, meter) >= 0, marks);
  }
  if (left.kind === "number" && right.kind === "number") {
    return numberOf(calculate(operator, left.value, right.value), marks);
  }
  if (operator === "+" && left.kind === "string" && right.kind === "string") {
    return stringOf(joinTexts(left.value, right.value), marks);
  }
  const wanted = operator === "+" ? "two numbers or two strings" : "two numbers";
  throw invalidKind(`${operator} needs ${wanted}, found ${left.kind} and ${right.kind}`);
}

function calculate(operator: "+" | "-" | "*" | "/" | "%", left: number, right: number): number {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
    case "%":
      if (right === 0) throw new ValueError("division by zero");
      return operator === "/" ? left / right : left % right; // % has the sign of the dividend, as in JavaScript
  }
}

/** @throws {ValueError} with `limit` when the text would be enormous. */
export function joinTexts(left: string, right: string): string {
  if (left.length + right.length > expressionLimits.maxTextLength) throw new ValueError("limit", "text is too long");
  return left + right;
}

export function invalidKind(why: string): ValueError {
  return new ValueError("invalid kind", `invalid kind: ${why}`);
}
