import path from "node:path";

/** Globs as doublestar reads them: no extended globs, no negation, names that begin with a dot are names like others. */
export const globOptions = { dot: true, noextglob: true, nonegate: true } as const;

const magic = /[*?[{]/;

/** Whether a text is a glob, and not just the name of a file. */
export function isGlob(text: string): boolean {
  return magic.test(text);
}

/** The directory before the first segment with a wildcard, and the rest: `a/b/*.c` → `a/b`, `*.c`. */
export function splitGlob(pattern: string): { readonly base: string; readonly glob: string } {
  const segments = pattern.split("/");
  const first = segments.findIndex(isGlob);
  if (first === -1) return { base: pattern, glob: "" };
  return { base: segments.slice(0, first).join("/"), glob: segments.slice(first).join("/") };
}

/**
 * A path or glob, made relative to a directory. `undefined` when it leads outside.
 *
 * Examples, in `/p`: `/p/a/*.c` → `a/*.c`, `./b/` → `b`, `../c` → `undefined`.
 */
export function toPatternInside(directory: string, wish: string): string | undefined {
  const { base, glob } = splitGlob(wish);
  const isRoot = base === "" && wish.startsWith("/");
  const relative = path.relative(directory, isRoot ? "/" : path.resolve(directory, base));
  if (relative === ".." || relative.startsWith("../")) return undefined;
  return path.posix.join(relative || ".", glob);
}
