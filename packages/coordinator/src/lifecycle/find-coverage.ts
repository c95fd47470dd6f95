import { RE2JS } from "re2js";

/**
 * The percentage that a `coverage:` pattern finds last in a job log; `undefined` when it finds none or is no pattern.
 * Rule: GitLab's Gitlab::Ci::Trace::Stream#extract_coverage: of its last group, or of all of it
 * without groups, the first number counts.
 */
export function findCoverage(log: string, pattern: string): number | undefined {
  try {
    const matcher = RE2JS.compile(pattern).matcher(log);
    let found: string | undefined;
    while (matcher.find()) found = matcher.group(matcher.groupCount()) ?? undefined;
    const digits = /\d+(?:\.\d+)?/.exec(found ?? "")?.[0];
    return digits === undefined ? undefined : Number(digits);
  } catch {
    // A pattern that is none finds nothing; GitLab ignores it as well.
    return undefined;
  }
}
