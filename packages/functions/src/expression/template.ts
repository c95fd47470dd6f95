import { parseError } from "./expression-error.ts";
import { expressionLimits } from "./limits.ts";
import { ExpressionParser } from "./parse.ts";
import type { Template, TemplatePart } from "./tree.ts";

/**
 * Reads a field's text into literal pieces and expressions (ci-functions.md §7.6): `\${{` is the text `${{`, `${{` opens
 * an expression whose end the parser finds, everything else stands for itself.
 *
 * @throws {ExpressionError} with code `parse` or `limit`.
 */
export function parseTemplate(text: string): Template {
  const source = text.toWellFormed();
  if (source.length > expressionLimits.maxSourceLength) throw parseError("text is too long", "", 0);
  const parts: TemplatePart[] = [];
  const parser = new ExpressionParser(source);
  let literal = "";
  let at = 0;
  for (;;) {
    const open = source.indexOf("${{", at);
    if (open < 0) break;
    if (open > at && source[open - 1] === "\\") {
      literal += `${source.slice(at, open - 1)}\${{`;
      at = open + 3;
      continue;
    }
    literal += source.slice(at, open);
    if (literal !== "") parts.push(literal);
    literal = "";
    const { expression, end } = parser.parseUntilClose(open + 3, open);
    parts.push(expression);
    at = end;
  }
  literal += source.slice(at);
  if (literal !== "") parts.push(literal);
  return { source, parts };
}

/** True when the text holds an expression or an escaped one, so that evaluating it can differ from the text itself. */
export function isTemplate(text: string): boolean {
  return text.includes("${{");
}
