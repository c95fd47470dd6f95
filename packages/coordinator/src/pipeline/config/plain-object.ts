/** A mapping as it comes out of YAML or JSON. */
export type PlainObject = Record<string, unknown>;

/** True for mappings; false for lists, class instances and null. */
export function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
