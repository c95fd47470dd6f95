import { readdirSync, statSync } from "node:fs";
import path from "node:path";

/** The program of a test peer; `undefined` when this machine has none. */
export function testPeer(name: string): string | undefined {
  // Set by `scripts/run-tests.ts`: where `scripts/build-test-peers.ts` puts them.
  // biome-ignore lint/style/noProcessEnv: a test looks for what this machine has.
  const directory = process.env["JOBSCOPE_TEST_PEERS"];
  if (directory === undefined) return undefined;
  const found = readNames(directory).filter((entry) => entry.startsWith(`${name}@`));
  const programs = found.map((entry) => path.join(directory, entry, "bin", name));
  return programs.filter((program) => statSync(program, { throwIfNoEntry: false }) !== undefined).at(-1);
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** For `test`: why what needs the peer is skipped, said aloud; `false` when it is there. */
export function skippedWithout(name: string): string | false {
  if (testPeer(name) !== undefined) return false;
  return `no ${name} on this machine: node scripts/build-test-peers.ts ${name}`;
}
