const secondsPerUnit: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  second: 1,
  m: 60,
  min: 60,
  minute: 60,
  h: 3600,
  hr: 3600,
  hour: 3600,
  d: 86_400,
  day: 86_400,
  w: 604_800,
  week: 604_800,
  mo: 2_592_000,
  month: 2_592_000,
  y: 31_557_600,
  yr: 31_557_600,
  year: 31_557_600,
};

/**
 * Reads a duration as GitLab's `timeout`, `start_in` and `expire_in` take it: `1h 30m`, `3 hours 30 minutes`, `2 weeks and
 * 2 days`, `1:30` is not among them; a bare number is seconds.
 *
 * @returns seconds, or `undefined` when the text is no duration.
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  let rest = trimmed.replaceAll(/\band\b|,/g, " ").trim();
  let seconds = 0;
  if (rest === "") return undefined;
  while (rest !== "") {
    const match = /^(\d+(?:\.\d+)?)\s*([a-z]+)\s*/.exec(rest);
    const perUnit = secondsPerUnit[unitName(match?.[2] ?? "")];
    if (match === null || perUnit === undefined) return undefined;
    seconds += Number(match[1]) * perUnit;
    rest = rest.slice(match[0].length);
  }
  return seconds;
}

function unitName(word: string): string {
  if (word in secondsPerUnit) return word;
  return word.replace(/s$/, "");
}
