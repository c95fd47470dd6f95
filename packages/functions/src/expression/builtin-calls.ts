import { invalidKind, isTruthy } from "./operations.ts";
import { textOf } from "./text-form.ts";
import { booleanOf, numberOf, stringOf, type Value } from "./value.ts";
import { ValueError, type WorkMeter } from "./value-error.ts";

// 42, -3.14, +1e3; no blanks, no hexadecimal, no Infinity
const numberShape = /^[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/** The three functions of the language, each of one argument (ci-functions.md §7.8). A result keeps the mark. */
export const builtinCalls: ReadonlyMap<string, (argument: Value, meter: WorkMeter) => Value> = new Map([
  ["str", (argument: Value, meter: WorkMeter) => stringOf(textOf(argument, meter), argument.marks)],
  ["num", toNumber],
  ["bool", (argument: Value) => booleanOf(isTruthy(argument), argument.marks)],
]);

function toNumber(argument: Value): Value {
  if (argument.kind === "number") return argument;
  if (argument.kind !== "string") throw invalidKind(`num() needs a string, found ${argument.kind}`);
  if (!numberShape.test(argument.value)) throw new ValueError("not a valid number");
  return numberOf(Number(argument.value), argument.marks);
}
