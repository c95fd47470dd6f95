import type { Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import path from "node:path";
import picomatch from "picomatch";
import type { ArchiveReport } from "./archive-report.ts";
import { findMatches, walk } from "./find-matches.ts";
import { globOptions, toPatternInside } from "./pattern.ts";
import { listUntracked } from "./untracked.ts";

/** What goes into an archive: paths relative to the project directory, with slashes, sorted. */
export type CollectedFiles = ReadonlyMap<string, Stats>;

export interface FileSelection {
  /** Project directory, absolute. */
  readonly directory: string;
  /** Paths and globs, expanded. */
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly includesUntracked: boolean;
  /** Environment of the `git` that lists untracked files. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly report: ArchiveReport;
  readonly signal: AbortSignal;
}

/** How many files are looked at at once. */
const concurrentLooks = 64;

/**
 * Finds the files of a cache or of a set of artifacts, and says in the job log what each path found.
 *
 * Rule and wording: runner-protocol.md §3.8.
 */
export async function collectFiles(selection: FileSelection): Promise<CollectedFiles> {
  const found = new Map<string, Stats>();
  const excludedByRule = new Map<string, number>();
  const ruleOf = excluder(selection);

  /** @returns how many of these were taken in. */
  async function take(relativePaths: readonly string[]): Promise<number> {
    let count = 0;
    const wanted = relativePaths.filter((relative) => {
      const rule = ruleOf(relative);
      if (rule !== undefined) excludedByRule.set(rule, (excludedByRule.get(rule) ?? 0) + 1);
      return rule === undefined;
    });
    for (let start = 0; start < wanted.length; start += concurrentLooks) {
      selection.signal.throwIfAborted();
      const slice = wanted.slice(start, start + concurrentLooks);
      const looks = slice.map((relative) => lstat(path.join(selection.directory, relative)).catch(() => undefined));
      for (const [index, stats] of (await Promise.all(looks)).entries()) {
        const relative = slice[index];
        if (stats === undefined || relative === undefined) continue;
        found.set(relative, stats);
        count += 1;
      }
    }
    return count;
  }

  for (const wish of selection.paths) await takePath(selection, wish, take);
  if (selection.includesUntracked) await takeUntracked(selection, take);
  for (const [rule, count] of excludedByRule) selection.report.info(`${rule}: excluded ${count} files`);
  return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
}

type Take = (relativePaths: readonly string[]) => Promise<number>;

async function takePath(selection: FileSelection, wish: string, take: Take): Promise<void> {
  const { directory, report, signal } = selection;
  if (wish === "") {
    report.warning("No matching files. Path is empty.");
    return;
  }
  const pattern = toPatternInside(directory, wish);
  if (pattern === undefined) {
    report.warning(`processPath: artifact path is not a subpath of project directory: ${wish}`);
    return;
  }
  const seen = new Set<string>();
  for (const match of await findMatches(directory, pattern, signal)) {
    for (const relative of await walk(directory, match, signal)) seen.add(relative);
  }
  const count = await take([...seen]);
  if (count > 0) report.info(`${wish}: found ${count} matching artifact files and directories`);
  else {
    report.warning(
      `${wish}: no matching files. Ensure that the artifact path is relative to the working directory (${directory})`,
    );
  }
}

async function takeUntracked(selection: FileSelection, take: Take): Promise<void> {
  const listed = await listUntracked(selection);
  if (listed.kind === "failed") {
    selection.report.warning(`untracked: ${listed.why}`);
    return;
  }
  const count = await take(listed.files);
  if (count > 0) selection.report.info(`untracked: found ${count} files`);
  else selection.report.warning("untracked: no files");
}

/** @returns the rule that keeps a path out; `undefined` when none does. */
function excluder({ directory, exclude, report }: FileSelection): (relative: string) => string | undefined {
  const rules = exclude.flatMap((rule) => {
    const pattern = toPatternInside(directory, rule);
    if (pattern === undefined) {
      report.warning(`isExcluded: artifact path is not a subpath of project directory: ${rule}`);
      return [];
    }
    return [{ rule, matches: picomatch(pattern, globOptions) }];
  });
  return (relative) => rules.find(({ matches }) => matches(relative))?.rule;
}
