import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** One sentence for a schema's complaint: where below the keyword, and what is wrong there. */
export function explainIssue(issue: Issue): string {
  const { path, message } = mostTelling(issue, []);
  const place = path.map((part) => (typeof part === "number" ? `[${part + 1}]` : `.${String(part)}`)).join("");
  return place === "" ? message : `${place.replace(/^\./, "")}: ${message}`;
}

/** Of a union's branches the one that got furthest: it is the one the user meant. */
function mostTelling(issue: Issue, above: readonly PropertyKey[]): { path: PropertyKey[]; message: string } {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    return { path, message: `unknown keyword ${issue.keys.map((key) => `"${key}"`).join(", ")}` };
  }
  if (issue.code !== "invalid_union") return { path, message: issue.message };
  const nested = issue.errors.flat().map((inner) => mostTelling(inner, path));
  const deeper = nested.filter(
    (inner) => inner.path.length > path.length || inner.message.startsWith("unknown keyword"),
  );
  return deeper.sort((a, b) => b.path.length - a.path.length)[0] ?? { path, message: issue.message };
}
