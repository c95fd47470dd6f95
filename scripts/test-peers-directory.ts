import { homedir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";

/** Where servers that tests talk to are built: outside the repository, so that checkouts share them. */
export function testPeersDirectory(): string {
  return env["JOBSCOPE_TEST_PEERS"] || join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "jobscope-test-peers");
}
