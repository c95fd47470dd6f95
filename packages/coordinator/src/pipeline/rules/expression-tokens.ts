/** One token of a `rules: if` expression. */
export type ExpressionToken =
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "pattern"; readonly source: string; readonly flags: string }
  | { readonly kind: "null" }
  | { readonly kind: "operator"; readonly value: "==" | "!=" | "=~" | "!~" | "&&" | "||" }
  | { readonly kind: "parenthesis"; readonly value: "(" | ")" };

/** Something is wrong with an expression; `message` names the place. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
}

/*
 * $NAME ${NAME} — "text" 'text' (no escapes, as GitLab) — /pattern/flags, where \/ is a slash — null — operators.
 * Examples: $CI_COMMIT_TAG =~ /^v\d+\//i, ($A == "x" || $B != null) && $C
 */
const tokenForms: readonly [RegExp, (match: RegExpExecArray) => ExpressionToken][] = [
  [/\$(?:\{(\w+)\}|(\w+))/y, (match) => ({ kind: "variable", name: match[1] ?? match[2] ?? "" })],
  [/"([^"]*)"|'([^']*)'/y, (match) => ({ kind: "string", value: match[1] ?? match[2] ?? "" })],
  [/\/((?:\\\/|[^/])+)\/([ismU]*)/y, (match) => patternToken(match[1] ?? "", match[2] ?? "")],
  [/null\b/y, () => ({ kind: "null" })],
  [/==|!=|=~|!~|&&|\|\|/y, (match) => ({ kind: "operator", value: match[0] as "==" })],
  [/[()]/y, (match) => ({ kind: "parenthesis", value: match[0] as "(" })],
];

/** Splits an expression into tokens. @throws {ExpressionError} at the first character that begins none. */
export function tokenize(expression: string): ExpressionToken[] {
  const tokens: ExpressionToken[] = [];
  let position = 0;
  while (position < expression.length) {
    if (/\s/.test(expression.charAt(position))) {
      position += 1;
      continue;
    }
    const token = tokenAt(expression, position);
    if (token === undefined) {
      throw new ExpressionError(
        `unexpected "${expression.slice(position, position + 12)}" at character ${position + 1}`,
      );
    }
    tokens.push(token.token);
    position = token.end;
  }
  return tokens;
}

function tokenAt(expression: string, position: number): { token: ExpressionToken; end: number } | undefined {
  for (const [form, make] of tokenForms) {
    form.lastIndex = position;
    const match = form.exec(expression);
    if (match !== null) return { token: make(match), end: form.lastIndex };
  }
  return undefined;
}

function patternToken(source: string, flags: string): ExpressionToken {
  return { kind: "pattern", source: source.replaceAll("\\/", "/"), flags };
}

/** Reads a variable's value as a pattern (`$A =~ $PATTERN`); `undefined` when it is none. */
export function patternOf(text: string): { source: string; flags: string } | undefined {
  const match = /^\/((?:\\\/|[^/])+)\/([ismU]*)$/.exec(text.trim());
  return match === null ? undefined : { source: (match[1] ?? "").replaceAll("\\/", "/"), flags: match[2] ?? "" };
}
