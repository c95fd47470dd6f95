/** Freezes a value and everything below it; what is read once is never changed afterwards (style.md §5, §8). */
export function freezeDeeply<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freezeDeeply(inner);
  return value;
}
