import { z } from "zod";
import { parseGoDuration } from "../go-duration.ts";

/** A Go duration (`"30s"`, `"1h30m"`) or integer nanoseconds, in milliseconds (runner-protocol.md §6.1). */
export const duration = z.union([z.string(), z.number().int()]).transform((value, context) => {
  const ms = typeof value === "number" ? value / 1e6 : parseGoDuration(value);
  if (ms !== undefined) return ms;
  context.addIssue({ code: "custom", message: 'expected a duration such as "30s" or "1h30m"', input: value });
  return z.NEVER;
});

const bytesPerUnit: Readonly<Record<string, number>> = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** A size: a number of bytes, or a text with a unit (`"64MiB"`). At least 1. */
export const bytes = z.union([z.string(), z.number().int()]).transform((value, context) => {
  const [, amount, unit = ""] = /^(\d+) *(KiB|MiB|GiB)?$/.exec(String(value)) ?? [];
  const size = Number(amount) * (bytesPerUnit[unit] ?? Number.NaN);
  if (size >= 1) return size;
  context.addIssue({ code: "custom", message: 'expected a number of bytes, or a size such as "64MiB"', input: value });
  return z.NEVER;
});

/** An instant; Go's zero time (year 1) means "none". */
export const instant = z.date().transform((date) => (date.getUTCFullYear() <= 1 ? undefined : new Date(date)));

/** Whole and not negative. */
export const count = z.number().int().min(0);

/** An `http` or `https` address. `$VAR` was expanded before. */
export const httpUrl = z
  .string()
  .refine(isHttpUrl, { error: 'expected an address such as "https://gitlab.example.com"' });

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

/** Labels. Rule: runner-protocol.md §6.3. */
export const labels = z
  .record(
    z
      .string()
      .regex(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{2,64}$/, "expected a key of 3 to 65 letters, digits, '.', '_' or '-'"),
    z.string().regex(/^[a-zA-Z0-9._-]{1,256}$/, "expected a value of 1 to 256 letters, digits, '.', '_' or '-'"),
  )
  .refine((table) => Object.keys(table).length <= 32, { error: "expected at most 32 labels" });
