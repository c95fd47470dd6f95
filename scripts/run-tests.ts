/**
 * Runs the project's tests with node:test: `node scripts/run-tests.ts [path prefix…]`.
 *
 * Without arguments it runs every `*.test.ts` below packages/ and test/; a prefix (`packages/labkit`) narrows that.
 * Flags that begin with `--test-` go to node as they are. HOME is an empty directory: what a developer's shell profile,
 * git configuration or caches hold must not decide a test. Servers of `build-test-peers.ts` are found all the same.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
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

/**
 * Tests that use the Docker Engine come last, two files at a time: an engine of version 20.10 that is asked to make and
 * remove many networks and containers at once may lock up for good.
 */
const usesEngine = (file: string): boolean => /support\/docker-|"dockerode"/.test(readFileSync(file, "utf8"));
// Many tests wait for other processes: one file more than there are cores keeps them busy.
const passes = [
  { files: files.filter((file) => !usesEngine(file)), concurrency: availableParallelism() + 1 },
  { files: files.filter(usesEngine), concurrency: 2 },
].filter((pass) => pass.files.length > 0);

const home = mkdtempSync(join(tmpdir(), "jobscope-test-home-"));
let child: ChildProcess | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child?.kill(signal));
let exitCode = 0;
for (const pass of passes) {
  child = spawn(
    process.execPath,
    [
      "--conditions=jobscope-source",
      "--disable-warning=ExperimentalWarning",
      "--test",
      `--test-concurrency=${pass.concurrency}`,
      ...nodeFlags,
      ...pass.files,
    ],
    { stdio: "inherit", env: { ...process.env, JOBSCOPE_TEST_PEERS: testPeersDirectory(), HOME: home } },
  );
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  exitCode = Math.max(exitCode, signal === null ? (code ?? 1) : 1);
  if (signal !== null) break;
}
rmSync(home, { recursive: true, force: true });
process.exit(exitCode);
