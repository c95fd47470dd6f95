import type { JsonValue } from "../expression/json-value.ts";

const minTextLength = 8; // shorter texts would mask half of the log (ci-functions.md §4.4)

/** Tells every text worth masking in a sensitive value, to any depth. */
export function reportSensitive(value: JsonValue, report: (text: string) => void): void {
  if (typeof value === "string") {
    if (value.length >= minTextLength) report(value);
  } else if (Array.isArray(value)) {
    for (const item of value) reportSensitive(item, report);
  } else if (typeof value === "object" && value !== null) {
    for (const item of Object.values(value)) reportSensitive(item, report);
  } else if (typeof value === "number" && String(value).length >= minTextLength) report(String(value));
}
