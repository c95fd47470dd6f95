/** Part of the source text, in UTF-16 units. */
export interface SourceRange {
  readonly start: number;
  readonly end: number;
}

export type UnaryOperator = "+" | "-" | "!";
export type BinaryOperator = "||" | "&&" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "+" | "-" | "*" | "/" | "%";

interface NodeBase extends SourceRange {
  /** 1 for a leaf, else one more than the highest child's. */
  readonly height: number;
}

/** An expression of ci-functions.md §7.3. Parentheses leave no node. */
export type Expression =
  | (NodeBase & { readonly kind: "literal"; readonly value: null | boolean | number | string })
  /** A double-quoted string with at least one `${{ }}` inside. */
  | (NodeBase & { readonly kind: "text"; readonly parts: readonly TemplatePart[] })
  | (NodeBase & { readonly kind: "name"; readonly name: string })
  /** `access` is `.name`, from the dot on. */
  | (NodeBase & {
      readonly kind: "member";
      readonly target: Expression;
      readonly name: string;
      readonly access: SourceRange;
    })
  /** `access` is `[key]`, with its brackets. */
  | (NodeBase & {
      readonly kind: "index";
      readonly target: Expression;
      readonly key: Expression;
      readonly access: SourceRange;
    })
  | (NodeBase & { readonly kind: "call"; readonly target: Expression; readonly arguments: readonly Expression[] })
  | (NodeBase & { readonly kind: "unary"; readonly operator: UnaryOperator; readonly operand: Expression })
  | (NodeBase & {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    })
  | (NodeBase & { readonly kind: "array"; readonly items: readonly Expression[] })
  /** A bare key is a string literal. */
  | (NodeBase & {
      readonly kind: "object";
      readonly pairs: readonly { readonly key: Expression; readonly value: Expression }[];
    });

/** Literal text, or the expression of one `${{ }}`. */
export type TemplatePart = string | Expression;

/** A field's whole text. No two neighbouring parts are strings, and none is the empty string. */
export interface Template {
  readonly source: string;
  readonly parts: readonly TemplatePart[];
}

/** Binding strength, weakest first (§7.3); all binary operators are left associative. */
export const binaryPrecedence: Readonly<Record<BinaryOperator, number>> = {
  "||": 1,
  "&&": 2,
  "==": 3,
  "!=": 3,
  "<": 3,
  "<=": 3,
  ">": 3,
  ">=": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
};
