/**
 * Runs the project's tests with node:test: `node scripts/run-tests.ts [path prefix…]`.
 *
 * Without arguments it runs every `*.test.ts` below packages/ and test/; a prefix (`packages/labkit`) narrows that.
 * Flags that begin with `--test-` go to node as they are. HOME is an empty directory: what a developer's shell profile,
 * git configuration or caches hold must not decide a test. Servers of `build-test-peers.ts` are found all the same.
 */
import { spawn } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { testPeersDirectory } from "./test-peers-directory.ts";

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

const home = mkdtempSync(join(tmpdir(), "jobscope-test-home-"));
const child = spawn(
  process.execPath,
  [
    "--conditions=jobscope-source",
    "--disable-warning=ExperimentalWarning",
    "--test",
    // Many tests wait for other processes: one file more than there are cores keeps them busy.
    `--test-concurrency=${availableParallelism() + 1}`,
    ...nodeFlags,
    ...files,
  ],
  { stdio: "inherit", env: { ...process.env, HOME: home, JOBSCOPE_TEST_PEERS: testPeersDirectory() } },
);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  rmSync(home, { recursive: true, force: true });
  process.exit(signal === null ? (code ?? 1) : 1);
});
