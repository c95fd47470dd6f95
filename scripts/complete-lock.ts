/**
 * Completes package-lock.json for machines of other platforms.
 *
 * chdb ships one native library per platform as optional packages. A registry mirror that lacks some of them makes npm
 * write a lockfile without those entries, and `npm ci` then refuses it as out of step with chdb's manifest. The missing
 * entries need no download address: an optional package whose `os`/`cpu` does not match is never fetched.
 *
 * Usage: `node scripts/complete-lock.ts [--check]`; `--check` writes nothing and exits 1 when an entry is missing.
 */
import { readFileSync, writeFileSync } from "node:fs";

interface LockEntry {
  version?: string;
  optionalDependencies?: Record<string, string>;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optional?: boolean;
  [key: string]: unknown;
}

const lockPath = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(lockPath, "utf8")) as { packages: Record<string, LockEntry> };

const missing: string[] = [];
for (const [name, version] of Object.entries(lock.packages["node_modules/chdb"]?.optionalDependencies ?? {})) {
  const key = `node_modules/${name}`;
  const platform = /^@chdb\/lib-(?<os>[a-z]+)-(?<cpu>[a-z0-9]+)/.exec(name)?.groups;
  if (lock.packages[key]?.version === version || platform === undefined) continue;
  missing.push(name);
  lock.packages[key] = {
    version,
    cpu: [platform["cpu"] ?? ""],
    license: "Apache-2.0",
    optional: true,
    os: [platform["os"] ?? ""],
  };
}

if (missing.length > 0 && process.argv.includes("--check")) {
  process.stderr.write(`package-lock.json lacks ${missing.join(", ")}: run "npm run lock"\n`);
  process.exitCode = 1;
} else if (missing.length > 0) {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(lockPath, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`package-lock.json: added ${missing.join(", ")}\n`);
}
