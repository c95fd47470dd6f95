import { type ExpressionError, parseError } from "./expression-error.ts";
import { lexRawString, lexTextPiece, lexToken, type Token } from "./lex.ts";
import { expressionLimits } from "./limits.ts";
import {
  type BinaryOperator,
  binaryPrecedence,
  type Expression,
  type SourceRange,
  type TemplatePart,
  type UnaryOperator,
} from "./tree.ts";

// ci-functions.md §7.1. Not usable as identifiers; allowed after a dot and as bare keys.
const reservedWords: ReadonlySet<string> = new Set(
  (
    "array as break case const continue default else fallthrough float for func function goto if import in int let " +
    "loop map namespace number object package range return string struct switch type var void while"
  ).split(" "),
);

const constants: ReadonlyMap<string, null | boolean> = new Map([
  ["null", null],
  ["true", true],
  ["false", false],
]);

type NewNode<T = Expression> = T extends Expression ? Omit<T, "height"> : never;

/**
 * Recursive descent over one field's text, with precedence climbing for the binary operators (ci-functions.md §7.3).
 * Lives for one field, so that its bounds count all expressions of it.
 */
export class ExpressionParser {
  readonly #source: string;
  #token: Token = { kind: "end", start: 0, end: 0 };
  #nesting = 0;
  #nodes = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /**
   * Parses the expression of a `${{ }}` and its closing braces, which only a parser can find: `}}` may stand in strings
   * and at the end of objects (§7.6).
   *
   * @param offset behind the opening `${{`.
   * @param open offset of the opening `${{`, for the error of one that never closes.
   */
  parseUntilClose(offset: number, open: number): { expression: Expression; end: number } {
    this.#moveTo(offset);
    if (this.#isClose()) throw this.#error("empty expression", this.#token.start);
    const expression = this.#parseBinary(1);
    if (this.#token.kind === "end") throw this.#error('"${{" is never closed with "}}"', open);
    if (!this.#isClose()) throw this.#unexpected('"}}"');
    return { expression, end: this.#token.start + 2 };
  }

  #parseBinary(minPrecedence: number): Expression {
    let left = this.#parseUnary();
    for (;;) {
      const operator = binaryOperator(this.#token);
      if (operator === undefined || binaryPrecedence[operator] < minPrecedence) return left;
      this.#advance();
      const right = this.#parseBinary(binaryPrecedence[operator] + 1);
      left = this.#node({ kind: "binary", operator, left, right, start: left.start, end: right.end }, left, right);
    }
  }

  #parseUnary(): Expression {
    const { start } = this.#token;
    const operator = unaryOperator(this.#token);
    if (operator === undefined) return this.#parsePostfix();
    this.#advance();
    const operand = this.#nested(() => this.#parseUnary());
    return this.#node({ kind: "unary", operator, operand, start, end: operand.end }, operand);
  }

  #parsePostfix(): Expression {
    let target = this.#parsePrimary();
    for (;;) {
      if (this.#isSign(".")) target = this.#parseMember(target);
      else if (this.#isSign("[")) target = this.#parseIndex(target);
      else if (this.#isSign("(")) target = this.#parseCall(target);
      else return target;
    }
  }

  #parseMember(target: Expression): Expression {
    const { start } = this.#token;
    this.#advance();
    const token = this.#token;
    if (token.kind !== "word") throw this.#unexpected("a name");
    this.#advance();
    const access = { start, end: token.end };
    return this.#node(
      { kind: "member", target, name: token.text, access, start: target.start, end: token.end },
      target,
    );
  }

  #parseIndex(target: Expression): Expression {
    const { start } = this.#token;
    this.#advance();
    const key = this.#nested(() => this.#parseBinary(1));
    const end = this.#expect("]");
    return this.#node({ kind: "index", target, key, access: { start, end }, start: target.start, end }, target, key);
  }

  #parseCall(target: Expression): Expression {
    this.#advance();
    const items: Expression[] = [];
    if (!this.#isSign(")")) {
      do items.push(this.#nested(() => this.#parseBinary(1)));
      while (this.#skip(","));
    }
    const end = this.#expect(")");
    return this.#node({ kind: "call", target, arguments: items, start: target.start, end }, target, ...items);
  }

  #parsePrimary(): Expression {
    const token = this.#token;
    if (token.kind === "number") {
      this.#advance();
      return this.#node({ kind: "literal", value: token.value, start: token.start, end: token.end });
    }
    if (token.kind === "word") return this.#parseWord(token);
    if (token.kind === "sign") {
      if (token.text === '"') return this.#nested(() => this.#parseText());
      if (token.text === "'") return this.#parseRawString();
      if (token.text === "(") return this.#parseGroup();
      if (token.text === "[") return this.#nested(() => this.#parseArray());
      if (token.text === "{") return this.#nested(() => this.#parseObject());
    }
    throw this.#unexpected("an expression");
  }

  #parseWord(token: Token & { kind: "word" }): Expression {
    const range = { start: token.start, end: token.end };
    const constant = constants.get(token.text);
    if (constant === undefined && reservedWords.has(token.text)) {
      throw this.#error(`"${token.text}" is a reserved word`, token.start);
    }
    this.#advance();
    if (constant !== undefined) return this.#node({ kind: "literal", value: constant, ...range });
    return this.#node({ kind: "name", name: token.text, ...range });
  }

  #parseGroup(): Expression {
    const { start } = this.#token;
    this.#advance();
    const inner = this.#nested(() => this.#parseBinary(1));
    const end = this.#expect(")");
    return { ...inner, start, end };
  }

  #parseArray(): Expression {
    const { start } = this.#token;
    this.#advance();
    const items: Expression[] = [];
    while (!this.#isSign("]")) {
      items.push(this.#parseBinary(1));
      if (!this.#skip(",")) break;
    }
    const end = this.#expect("]");
    return this.#node({ kind: "array", items, start, end }, ...items);
  }

  #parseObject(): Expression {
    const { start } = this.#token;
    this.#advance();
    const pairs: { key: Expression; value: Expression }[] = [];
    while (!this.#isSign("}")) {
      const key = this.#parseKey();
      this.#expect(":");
      pairs.push({ key, value: this.#parseBinary(1) });
      if (!this.#skip(",")) break;
    }
    const end = this.#expect("}");
    return this.#node({ kind: "object", pairs, start, end }, ...pairs.flatMap(({ key, value }) => [key, value]));
  }

  /** A name directly before a colon is the key itself; anything else is an expression (§7.2). */
  #parseKey(): Expression {
    const token = this.#token;
    if (token.kind === "word") {
      const next = lexToken(this.#source, token.end);
      if (next.kind === "sign" && next.text === ":") {
        this.#token = next;
        return this.#node({ kind: "literal", value: token.text, start: token.start, end: token.end });
      }
    }
    return this.#parseBinary(1);
  }

  #parseRawString(): Expression {
    const { start, end: bodyStart } = this.#token;
    const { text, end } = lexRawString(this.#source, bodyStart);
    this.#moveTo(end);
    return this.#node({ kind: "literal", value: text, start, end });
  }

  #parseText(): Expression {
    const { start } = this.#token;
    const parts: TemplatePart[] = [];
    let offset = this.#token.end;
    for (;;) {
      const piece = lexTextPiece(this.#source, offset, start);
      if (piece.text !== "") parts.push(piece.text);
      if (piece.stop === "quote") {
        this.#moveTo(piece.end);
        return this.#textNode(parts, { start, end: piece.end });
      }
      const inner = this.parseUntilClose(piece.end, piece.end - 3);
      parts.push(inner.expression);
      offset = inner.end;
    }
  }

  #textNode(parts: readonly TemplatePart[], range: SourceRange): Expression {
    const [only] = parts;
    if (only === undefined) return this.#node({ kind: "literal", value: "", ...range });
    if (parts.length === 1 && typeof only === "string") return this.#node({ kind: "literal", value: only, ...range });
    return this.#node({ kind: "text", parts, ...range }, ...parts.filter((part) => typeof part !== "string"));
  }

  #node(node: NewNode, ...children: readonly Expression[]): Expression {
    const height = 1 + children.reduce((highest, child) => Math.max(highest, child.height), 0);
    this.#nodes++;
    if (height > expressionLimits.maxHeight) throw this.#error("expression is nested too deeply", node.start);
    if (this.#nodes > expressionLimits.maxNodes) throw this.#error("expression is too long", node.start);
    return { ...node, height };
  }

  #nested<T>(parse: () => T): T {
    this.#nesting++;
    if (this.#nesting > expressionLimits.maxNesting) {
      throw this.#error("expression is nested too deeply", this.#token.start);
    }
    const result = parse();
    this.#nesting--;
    return result;
  }

  #moveTo(offset: number): void {
    this.#token = lexToken(this.#source, offset);
  }

  #advance(): void {
    this.#moveTo(this.#token.end);
  }

  #isSign(text: string): boolean {
    return this.#token.kind === "sign" && this.#token.text === text;
  }

  #isClose(): boolean {
    return this.#isSign("}") && this.#source[this.#token.end] === "}";
  }

  #skip(text: string): boolean {
    if (!this.#isSign(text)) return false;
    this.#advance();
    return true;
  }

  #expect(text: string): number {
    if (!this.#isSign(text)) throw this.#unexpected(`"${text}"`);
    const { end } = this.#token;
    this.#advance();
    return end;
  }

  #unexpected(wanted: string): ExpressionError {
    const token = this.#token;
    if (token.kind === "end") return this.#error(`text ends where ${wanted} is expected`, token.start);
    return this.#error(`unexpected "${this.#source.slice(token.start, token.end)}", expected ${wanted}`, token.start);
  }

  #error(what: string, offset: number): ExpressionError {
    return parseError(what, this.#source, offset);
  }
}

function binaryOperator(token: Token): BinaryOperator | undefined {
  return token.kind === "sign" && Object.hasOwn(binaryPrecedence, token.text)
    ? (token.text as BinaryOperator) // the keys of the table are exactly the operators
    : undefined;
}

function unaryOperator(token: Token): UnaryOperator | undefined {
  if (token.kind !== "sign") return undefined;
  return token.text === "+" || token.text === "-" || token.text === "!" ? token.text : undefined;
}
