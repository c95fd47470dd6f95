import type { LogFields } from "./log.ts";

/** Deeper values are left out: a log line is no dump. */
const maxDepth = 4;

/** Makes fields fit for a log line: every text masked, errors with their causes, nothing that JSON cannot hold. */
export function plainFields(fields: LogFields, mask: (text: string) => string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value, mask, 0)]));
}

function plain(value: unknown, mask: (text: string) => string, depth: number): unknown {
  switch (typeof value) {
    case "string":
      return mask(value);
    case "bigint":
      return value.toString();
    case "symbol":
    case "function":
      return undefined;
    case "object":
      return value === null ? null : plainObject(value, mask, depth);
    default:
      return value;
  }
}

function plainObject(value: object, mask: (text: string) => string, depth: number): unknown {
  if (value instanceof Error) return plainError(value, mask, depth);
  if (value instanceof URL) return mask(value.href);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString();
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (depth >= maxDepth) return "…";
  if (Array.isArray(value)) return value.map((item) => plain(item, mask, depth + 1));
  const entries =
    value instanceof Map ? [...value].map(([key, item]) => [String(key), item] as const) : Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [key, plain(item, mask, depth + 1)]));
}

function plainError(error: Error, mask: (text: string) => string, depth: number): unknown {
  const inner = error instanceof AggregateError ? error.errors : error.cause;
  return {
    name: error.name,
    message: mask(error.message),
    ...("code" in error && typeof error.code === "string" ? { code: error.code } : {}),
    ...(error.stack === undefined ? {} : { stack: mask(error.stack) }),
    ...(inner === undefined || depth >= maxDepth ? {} : { cause: plain(inner, mask, depth + 1) }),
  };
}
