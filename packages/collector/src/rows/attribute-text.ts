import type { OtlpValue } from "../receive/otlp-model.ts";

/**
 * The text that is stored for an attribute's value: what the OpenTelemetry Collector's `Value.AsString` makes of it,
 * which its ClickHouse exporter stores (telemetry.md §7).
 *
 * Strings as they are, booleans `true`/`false`, integers in decimal, doubles as ECMAScript prints them, bytes in base64,
 * arrays and key-value lists as JSON with sorted keys, nothing as the empty string.
 */
export function attributeText(value: OtlpValue): string {
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
      return value ? "true" : "false";
    case "bigint":
      return value.toString();
    case "number":
      return doubleText(value);
    default:
      if (value === null) return "";
      return value instanceof Uint8Array ? base64(value) : jsonText(value);
  }
}

/** JSON has no word for these; the text is the one that the Collector stores. */
function doubleText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? "-0" : String(value);
  const word = Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  return `json: unsupported value: ${word}`;
}

function jsonText(value: OtlpValue): string {
  if (value === null) return "null";
  if (typeof value === "string") return quoted(value);
  if (value instanceof Uint8Array) return quoted(base64(value));
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (value instanceof Map) return `{${sortedEntries(value).join(",")}}`;
  return typeof value === "number" && !Number.isFinite(value) ? "null" : attributeText(value);
}

function sortedEntries(map: ReadonlyMap<string, OtlpValue>): string[] {
  const keys = [...map.keys()].sort((a, b) => (a < b ? -1 : 1));
  return keys.map((key) => `${quoted(key)}:${jsonText(map.get(key) ?? null)}`);
}

/** As Go's `encoding/json` writes strings: it also escapes what would matter inside HTML. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
