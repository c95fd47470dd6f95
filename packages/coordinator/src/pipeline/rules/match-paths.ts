import picomatch from "picomatch";

/**
 * Tells whether any path matches any glob, by the rules of Ruby's `File.fnmatch` that GitLab uses for `changes` and
 * `exists`: `*` stays within a folder, a double star before a slash spans folders, a last `**` is like `*`, `{a,b}` are
 * alternatives, dot files count.
 */
export function anyPathMatches(paths: Iterable<string>, globs: readonly string[]): boolean {
  const matchers = globs.filter((glob) => glob !== "").map(matcherOf);
  for (const path of paths) if (matchers.some((matches) => matches(path))) return true;
  return false;
}

function matcherOf(glob: string): (path: string) => boolean {
  const relative = glob.replace(/^\//, "").replace(/\*\*(?!\/)/g, "*");
  return picomatch(relative, { dot: true, nonegate: true, noextglob: true, strictSlashes: true });
}
