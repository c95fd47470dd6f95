/** Bounds against hostile texts. No honest function comes near them; ci-functions.md §7.3 proposes the first. */
export const expressionLimits = {
  /** Parentheses, brackets, braces, calls, signs and templates inside each other. */
  maxNesting: 200,
  /** Height of the tree; a chain of operators grows it by one each. Keeps recursion far from the end of the stack. */
  maxHeight: 1_000,
  /** Characters of one field's text. */
  maxSourceLength: 4 * 1024 * 1024,
  /** Nodes of one field's expressions. */
  maxNodes: 20_000,
  /** Characters of one text that an evaluation makes. */
  maxTextLength: 16 * 1024 * 1024,
  /** Units of work (nodes visited, elements compared or written) for one field. Takes well under a second, and no more than that: the engine does nothing else meanwhile. */
  maxWork: 1_000_000,
  /** Arrays and objects inside each other in a value. */
  maxValueDepth: 200,
} as const;
