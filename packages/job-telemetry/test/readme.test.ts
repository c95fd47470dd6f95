import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const packageFolder = join(import.meta.dirname, "..");

function block(text: string, language: string): string {
  const [, code = ""] = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(text) ?? [];
  return code;
}

test("the README's example prints what the README says", async () => {
  const readme = await readFile(join(packageFolder, "README.md"), "utf8");
  const flags = ["--conditions=jobscope-source", "--input-type=module-typescript", "--eval", block(readme, "ts")];
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: packageFolder, timeout: 30_000 });
  assert.notEqual(stdout, "");
  assert.equal(stdout, block(readme, "text"));
});
