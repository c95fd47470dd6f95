const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** `1h30m`, `-1.5s`, `0`: a sign, then numbers with their units. */
const wholeForm = /^[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/** Reads a duration as Go writes it, in milliseconds. `undefined` when it is none. Rule: runner-protocol.md §2.2. */
export function parseGoDuration(text: string): number | undefined {
  if (!wholeForm.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(part)) ms += Number(amount) * (unitMs[unit ?? ""] ?? 0);
  return text.startsWith("-") ? -ms : ms;
}
