import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RuleDefinition } from "../config/job-definition.ts";
import { decideRules } from "./decide-rules.ts";

/** Paths, and which of them each glob means, said without any matching. */
const paths = ["a.md", "b.ts", "src/a.ts", "src/deep/b.md"];
const meaning: Readonly<Record<string, readonly string[]>> = {
  "*.md": ["a.md"],
  "**/*.md": ["a.md", "src/deep/b.md"],
  "src/*": ["src/a.ts"],
  "src/**/*": ["src/a.ts", "src/deep/b.md"],
  "{a,b}.*": ["a.md", "b.ts"],
  "none/*": [],
};
const globs = fc.uniqueArray(fc.constantFrom(...Object.keys(meaning)), { minLength: 1, maxLength: 3 });
const names = ["SET", "UNSET"] as const;

interface PlainRule {
  if?: (typeof names)[number];
  changes?: string[];
  exists?: string[];
  when?: "on_success" | "manual" | "always" | "never";
}

const rule: fc.Arbitrary<PlainRule> = fc.record(
  {
    if: fc.constantFrom(...names),
    changes: globs,
    exists: globs,
    when: fc.constantFrom("on_success", "manual", "always", "never"),
  },
  { requiredKeys: [] },
);

test("whatever the rules, the first one whose conditions all hold decides, and never means no", () => {
  const given = fc.record({
    rules: fc.array(rule, { maxLength: 5 }),
    files: fc.subarray(paths),
    changed: fc.option(fc.subarray(paths), { nil: undefined }),
  });
  fc.assert(
    fc.property(given, ({ rules, files, changed }) => {
      const anyOf = (wanted: readonly string[], present: readonly string[]) =>
        wanted.some((glob) => meaning[glob]?.some((path) => present.includes(path)));
      let expected: string | undefined;
      for (const one of rules) {
        if (one.if === "UNSET") continue;
        if (one.exists !== undefined && !anyOf(one.exists, files)) continue;
        // Nothing to compare with: everything is new.
        if (one.changes !== undefined && changed !== undefined && !anyOf(one.changes, changed)) continue;
        expected = one.when === "never" ? undefined : (one.when ?? "unsaid");
        break;
      }
      const definitions = rules.map(
        ({ if: name, changes, exists, when }): RuleDefinition => ({
          variables: [],
          ...(name === undefined ? {} : { if: `$${name}` }),
          ...(changes === undefined ? {} : { changes: { paths: changes, compareTo: undefined } }),
          ...(exists === undefined ? {} : { exists }),
          ...(when === undefined ? {} : { when }),
        }),
      );
      const context = {
        ...{ ref: "main", isTag: false, source: "push", files },
        changedFiles: () => changed,
        lookup: (name: string) => (name === "SET" ? "yes" : undefined),
      };
      const decision = decideRules(definitions, context);
      assert.equal(decision && (decision.when ?? "unsaid"), expected);
    }),
    { numRuns: 500 },
  );
});
