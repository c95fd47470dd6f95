/**
 * Runs the project's tests with node:test: `node scripts/run-tests.ts [path prefix…]`.
 *
 * Without arguments it runs every `*.test.ts` below packages/ and test/; a prefix (`packages/labkit`) narrows that.
 * Flags that begin with `--test-` go to node as they are.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";

const prefixes = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const nodeFlags = process.argv.slice(2).filter((argument) => argument.startsWith("--test-"));
const files = globSync(["packages/*/{src,test}/**/*.test.ts", "test/**/*.test.ts"])
  .filter((file) => !file.includes("node_modules"))
  .filter((file) => prefixes.length === 0 || prefixes.some((prefix) => file.startsWith(prefix)))
  .sort();

if (files.length === 0) {
  process.stderr.write(`no test file begins with ${prefixes.join(" or ")}\n`);
  process.exit(2);
}

const child = spawn(
  process.execPath,
  ["--conditions=jobscope-source", "--disable-warning=ExperimentalWarning", "--test", ...nodeFlags, ...files],
  { stdio: "inherit" },
);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
