import { type CollectedFiles, collectFiles } from "../../archive/collect-files.ts";
import { expandShellText } from "../../archive/expand-shell-text.ts";
import type { TaskContext } from "../task-context.ts";

export interface Wishes {
  readonly projectDirectory: string;
  /** With references to `environment`. */
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly includesUntracked: boolean;
  /** Of `jobEnvironment`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Finds the files of a cache or of a set of artifacts, and tells how many. Rule: runner-protocol.md §3.8. */
export async function collectWishes(
  { projectDirectory, paths, exclude, includesUntracked, environment }: Wishes,
  { report, onFacts, signal }: TaskContext,
): Promise<CollectedFiles> {
  const expand = (text: string) => expandShellText(text, (name) => environment[name]);
  const files = await collectFiles({
    directory: projectDirectory,
    paths: paths.map(expand),
    exclude: exclude.map(expand),
    includesUntracked,
    environment,
    report,
    signal,
  });
  onFacts({ files: files.size });
  return files;
}
