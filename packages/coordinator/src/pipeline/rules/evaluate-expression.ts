import { RE2JS } from "re2js";
import { ExpressionError, type ExpressionToken, patternOf, tokenize } from "./expression-tokens.ts";

/** Looks up a variable: `undefined` when it does not exist, which an expression sees as `null`. */
export type VariableLookup = (name: string) => string | undefined;

type Value = { kind: "text"; text: string } | { kind: "null" } | { kind: "truth"; truth: boolean } | PatternValue;
type PatternValue = { kind: "pattern"; source: string; flags: string };

/**
 * Decides a `rules: if` expression as GitLab does: `&&` binds tighter than `||`; a variable alone is true when it is set
 * and not empty; `=~` against null is false and `!~` true; patterns are RE2's, matched anywhere in the text.
 *
 * @throws {ExpressionError} when it is not a valid expression.
 *
 * Rule: GitLab documentation, "CI/CD expressions" (rules:if).
 */
export function evaluateExpression(expression: string, lookup: VariableLookup): boolean {
  const parser = new ExpressionParser(tokenize(expression), lookup);
  return isTrue(parser.parseAll());
}

/** Recursive descent; evaluates as it goes, since an expression is evaluated once. */
class ExpressionParser {
  readonly #tokens: readonly ExpressionToken[];
  readonly #lookup: VariableLookup;
  #next = 0;

  constructor(tokens: readonly ExpressionToken[], lookup: VariableLookup) {
    this.#tokens = tokens;
    this.#lookup = lookup;
  }

  parseAll(): Value {
    if (this.#tokens.length === 0) throw new ExpressionError("the expression is empty");
    const value = this.#parseOr();
    if (this.#next < this.#tokens.length) throw new ExpressionError(`unexpected ${describe(this.#tokens[this.#next])}`);
    return value;
  }

  #parseOr(): Value {
    let left = this.#parseAnd();
    while (this.#take("||")) left = truth([isTrue(left), isTrue(this.#parseAnd())].some(Boolean));
    return left;
  }

  #parseAnd(): Value {
    let left = this.#parseComparison();
    while (this.#take("&&")) left = truth([isTrue(left), isTrue(this.#parseComparison())].every(Boolean));
    return left;
  }

  #parseComparison(): Value {
    const left = this.#parseOperand();
    if (this.#take("==")) return truth(areEqual(left, this.#parseOperand()));
    if (this.#take("!=")) return truth(!areEqual(left, this.#parseOperand()));
    if (this.#take("=~")) return truth(matches(left, this.#parseOperand()));
    if (this.#take("!~")) return truth(!matches(left, this.#parseOperand()));
    return left;
  }

  #parseOperand(): Value {
    const token = this.#tokens[this.#next];
    this.#next += 1;
    switch (token?.kind) {
      case "variable": {
        const text = this.#lookup(token.name);
        return text === undefined ? { kind: "null" } : { kind: "text", text };
      }
      case "string":
        return { kind: "text", text: token.value };
      case "null":
        return { kind: "null" };
      case "pattern":
        return token;
      case "parenthesis":
        if (token.value === "(") return this.#parseGroup();
    }
    throw new ExpressionError(`expected a variable, text, pattern or null, found ${describe(token)}`);
  }

  #parseGroup(): Value {
    const value = this.#parseOr();
    const closing = this.#tokens[this.#next];
    if (closing?.kind !== "parenthesis" || closing.value !== ")") throw new ExpressionError("a ( is not closed");
    this.#next += 1;
    return value;
  }

  #take(operator: string): boolean {
    const token = this.#tokens[this.#next];
    if (token?.kind !== "operator" || token.value !== operator) return false;
    this.#next += 1;
    return true;
  }
}

function describe(token: ExpressionToken | undefined): string {
  if (token === undefined) return "the end";
  if (token.kind === "variable") return `$${token.name}`;
  return "value" in token ? `"${token.value}"` : `a ${token.kind}`;
}

function truth(value: boolean): Value {
  return { kind: "truth", truth: value };
}

function isTrue(value: Value): boolean {
  switch (value.kind) {
    case "truth":
      return value.truth;
    case "text":
      return value.text.trim() !== "";
    case "pattern":
      return true;
    case "null":
      return false;
  }
}

function areEqual(left: Value, right: Value): boolean {
  return comparable(left) === comparable(right);
}

function comparable(value: Value): string | boolean | undefined {
  switch (value.kind) {
    case "truth":
      return value.truth;
    case "text":
      return value.text;
    case "pattern":
      return `/${value.source}/${value.flags}`;
    case "null":
      return undefined;
  }
}

function matches(left: Value, right: Value): boolean {
  if (left.kind !== "text") return false;
  const pattern = right.kind === "text" ? patternOf(right.text) : right;
  if (pattern === undefined || !("source" in pattern)) return false;
  return compile(pattern.source, pattern.flags).matcher(left.text).find();
}

/** `i`, `s` and `m` as in RE2; `U` (ungreedy) does not change whether something matches. */
function compile(source: string, flags: string): RE2JS {
  let bits = 0;
  if (flags.includes("i")) bits |= RE2JS.CASE_INSENSITIVE;
  if (flags.includes("s")) bits |= RE2JS.DOTALL;
  if (flags.includes("m")) bits |= RE2JS.MULTILINE;
  try {
    return RE2JS.compile(source, bits);
  } catch (cause) {
    throw new ExpressionError(`/${source}/ is not a valid pattern`, { cause });
  }
}
