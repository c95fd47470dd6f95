import assert from "node:assert/strict";
import { test } from "node:test";
import { anyPathMatches } from "./match-paths.ts";

/** Source: Ruby's File.fnmatch with FNM_PATHNAME, FNM_DOTMATCH and FNM_EXTGLOB. */
const cases: readonly [glob: string, path: string, expected: boolean][] = [
  ["Dockerfile", "Dockerfile", true],
  ["Dockerfile", "sub/Dockerfile", false],
  ["*.md", "README.md", true],
  ["*.md", "docs/a.md", false],
  ["**/*.md", "docs/a/b.md", true],
  ["**/*.md", "README.md", true],
  ["docs/**/*", "docs/a/b/c", true],
  ["docs/**/*", "docs/a", true],
  ["docs/**", "docs/a", true],
  ["docs/**", "docs/a/b", false],
  ["*.{rb,py}", "a.py", true],
  ["*", ".env", true],
  ["src/[ab].c", "src/b.c", true],
  ["/src/a.c", "src/a.c", true],
  ["!(a)", "b", false],
];

for (const [glob, path, expected] of cases) {
  test(`${glob} ${expected ? "matches" : "does not match"} ${path}`, () =>
    assert.equal(anyPathMatches([path], [glob]), expected));
}
