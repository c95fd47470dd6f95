import { RE2JS } from "re2js";
import { jobLogLines } from "./job-log-lines.ts";

/**
 * The percentage that a `coverage:` pattern finds last in a job log; `undefined` when it finds none or is no pattern.
 * Rule: GitLab's Gitlab::Ci::Trace::Stream#extract_coverage: in the last line that has one, of the last match's last group,
 * or of all of it without groups, the first number counts. Headers of lines do not (runner-protocol.md §9.1 #17).
 */
export function findCoverage(log: string, pattern: string): number | undefined {
  try {
    const compiled = RE2JS.compile(pattern);
    for (const line of jobLogLines(log).reverse()) {
      const matcher = compiled.matcher(line.replace(/\r$/, ""));
      let found: string | undefined;
      while (matcher.find()) found = matcher.group(matcher.groupCount()) ?? undefined;
      const digits = /\d+(?:\.\d+)?/.exec(found ?? "")?.[0];
      if (digits !== undefined) return Number(digits);
    }
    return undefined;
  } catch {
    // A pattern that is none finds nothing; GitLab ignores it as well.
    return undefined;
  }
}
