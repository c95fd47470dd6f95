import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { categoryOfStage } from "./time-category.ts";

test("every stage that the contract names, but the user's scripts and their parts, is no script", () => {
  const contract = readFileSync(new URL("../../../../docs/telemetry.md", import.meta.url), "utf8");
  const tree = contract.slice(contract.indexOf("└─ job_execution"), contract.indexOf("### Attributes"));
  const names = [...tree.matchAll(/^ {3}(?:│ {2})?[├└]─ (\w+)/gm)].map(([, name]) => name ?? "");
  assert.ok(names.includes("resolve_secrets") && names.includes("cleanup_file_variables"), names.join());
  const scripts = names.filter((name) => categoryOfStage(name) === "script");
  assert.deepEqual(scripts, ["step_script", "command", "section", "after_script"]);
});

test("what has another name is a CI Function", () => {
  assert.equal(categoryOfStage("constructor"), "script");
  assert.equal(categoryOfStage("build"), "script");
});
