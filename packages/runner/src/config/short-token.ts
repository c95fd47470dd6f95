/**
 * Nine characters that name a runner in directories, metrics and log lines without giving its token away.
 *
 * Examples: `glrt-abcdefghijkl` and `glrt-t1_abcdefghijkl` → `abcdefghi`, `GR1348941abcdefghijkl` → `abcdefghi`.
 *
 * Rule: runner-protocol.md §1.2.3.
 */
export function shortenToken(token: string): string {
  return token
    .replace(/^(?:glrt-(?:t[123]_)?|t[123]_|glrtr-)/, "")
    .replace(/^glcbt-/, "")
    .replace(/^GR[0-9a-fA-F]{7}/, "")
    .slice(0, 9);
}
