import picomatch from "picomatch";
import { ExecutorError, type ReportLines } from "../../executor.ts";
import { pullNameOf } from "./image-reference.ts";

/** Which images a runner lets jobs use, and for what. */
export interface ImageRule {
  /** `allowed_images` or `allowed_services`; empty: every image. */
  readonly allowed: readonly string[];
  /** Always allowed: the configuration's own. */
  readonly own: readonly string[];
  /** For the message: `images`, `services`. */
  readonly subject: "images" | "services";
}

/**
 * @throws {ExecutorError} without a reason, as upstream's: the job ends as a system failure after its retries.
 *
 * Rule: runner-protocol.md §4.7.
 */
export function checkImage(reference: string, rule: ImageRule, lines: ReportLines): void {
  if (rule.allowed.length === 0 || rule.own.includes(reference) || matchesAny(reference, rule.allowed)) return;
  lines.error(`The "${reference}" image is not present on list of allowed ${rule.subject}:`);
  for (const pattern of rule.allowed) lines.plain(`- ${pattern}`);
  lines.plain(
    `Please check runner's configuration: the key allowed_${rule.subject} of [runners.docker] says what may be used.`,
  );
  throw new ExecutorError("disallowed image");
}

/** What else picomatch knows is no part of those globs: `!` at the start, say, would allow all but a few. */
const doublestar = { dot: true, nonegate: true, noextglob: true };

/** Doublestar globs on the full reference: `*` stops at `/`, `**` does not. A pattern without a tag also fits `:latest`. */
export function matchesAny(reference: string, patterns: readonly string[]): boolean {
  const names = new Set([reference, pullNameOf(reference)]);
  return patterns.some((pattern) => [...names].some((name) => picomatch.isMatch(name, pattern, doublestar)));
}
