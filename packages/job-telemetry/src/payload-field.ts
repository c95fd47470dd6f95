/**
 * One field of a value that came from outside, whatever that value is. Only own fields count, so that `__proto__` and
 * the like mean nothing.
 */
export function ownField(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

/** The field if it is a string that says something. */
function ownText(value: unknown, key: string): string | undefined {
  const field = ownField(value, key);
  return typeof field === "string" && field !== "" ? field : undefined;
}

/** The field if it is a finite number. */
export function ownNumber(value: unknown, key: string): number | undefined {
  const field = ownField(value, key);
  return typeof field === "number" && Number.isFinite(field) ? field : undefined;
}

/**
 * The value of a job variable; of several with one key the last wins.
 *
 * Rule: runner-protocol.md §1.8.4.
 */
export function jobVariable(payload: unknown, key: string): string | undefined {
  const variables = ownField(payload, "variables");
  if (!Array.isArray(variables)) return undefined;
  const variable: unknown = variables.findLast((entry) => ownField(entry, "key") === key);
  return ownText(variable, "value");
}
