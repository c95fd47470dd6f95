/** ANSI codes for a level's word. */
const colorOfLevel: Readonly<Record<string, string>> = {
  debug: "\u001b[2m",
  info: "\u001b[36m",
  warn: "\u001b[33m",
  error: "\u001b[31m",
};

/**
 * Turns a JSON line of our log into one for people:
 * `12:30:01.250 WARN  job log patch refused  ci.job.id=7 err="416: wrong offset"`.
 */
export function formatTextLine(jsonLine: string, options: { colors: boolean }): string {
  const { time, level, msg, ...fields } = JSON.parse(jsonLine) as Record<string, unknown>;
  const clock = typeof time === "string" ? time.slice("2026-01-01T".length, -"Z".length) : "";
  const word = String(level).toUpperCase().padEnd(5);
  const shownLevel = options.colors ? `${colorOfLevel[String(level)] ?? ""}${word}\u001b[0m` : word;
  const shownFields = Object.entries(fields).map(([name, value]) => `${name}=${formatValue(value)}`);
  return `${[`${clock} ${shownLevel} ${oneLine(String(msg ?? ""))}`, shownFields.join(" ")].filter((part) => part !== "").join("  ")}\n`;
}

function formatValue(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (isError(value)) return quoted(errorChain(value));
  return JSON.stringify(value) ?? "";
}

/** Quoted only where the end of the value would not be seen otherwise. */
function quoted(text: string): string {
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

/** Message by message; the stack is in the JSON form. */
function errorChain(error: PlainError): string {
  return isError(error.cause) ? `${error.message}: ${errorChain(error.cause)}` : error.message;
}

interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly cause?: unknown;
}

function isError(value: unknown): value is PlainError {
  return (
    typeof value === "object" &&
    value !== null &&
    "name" in value &&
    "message" in value &&
    typeof value.message === "string"
  );
}

/** Control characters would let a field forge a line or recolour the terminal. */
function oneLine(text: string): string {
  return JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
}
