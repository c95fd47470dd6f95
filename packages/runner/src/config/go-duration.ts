const msByUnit: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * A duration as Go writes it, in milliseconds; `undefined` when it is none.
 *
 * Examples: `90s` → 90000, `1h30m` → 5400000, `500ms` → 500, `-1.5s` → -1500, `0` → 0; not `90`, not `1 h`.
 *
 * Rule: runner-protocol.md §2.2.
 */
export function parseGoDuration(text: string): number | undefined {
  if (text === "0") return 0;
  const [, sign, body] = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text) ?? [];
  if (body === undefined) return undefined;
  let ms = 0;
  for (const [, amount, unit] of body.matchAll(/([\d.]+)([a-zµμ]+)/g))
    ms += Number(amount) * (msByUnit[unit ?? ""] ?? 0);
  return sign === "-" ? -ms : ms;
}
