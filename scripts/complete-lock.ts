/**
 * Completes package-lock.json for machines of other platforms.
 *
 * Native packages (chdb, Biome, TypeScript, …) ship one optional package per platform. A registry mirror that lacks some
 * of them makes npm write a lockfile without those entries, and `npm ci` then refuses it as out of step with the manifest
 * that names them. The missing entries need no download address: an optional package whose `os` and `cpu` do not match is
 * never fetched.
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

const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const processors = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"];

const lockPath = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(lockPath, "utf8")) as { packages: Record<string, LockEntry> };

const missing: string[] = [];
for (const [owner, { optionalDependencies }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (key in lock.packages || `${owner}/${key}` in lock.packages) continue;
    const platform = platformOf(name);
    if (platform === undefined) continue;
    missing.push(name);
    lock.packages[key] = { version, ...platform, optional: true };
  }
}

if (missing.length > 0 && process.argv.includes("--check")) {
  process.stderr.write(`package-lock.json lacks ${missing.join(", ")}: run "npm run lock"\n`);
  process.exitCode = 1;
} else if (missing.length > 0) {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(lockPath, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`package-lock.json: added ${missing.join(", ")}\n`);
}

/** What a package of that name is for (`@chdb/lib-linux-arm64-gnu`, `…-win32-x64-msvc`); undefined: no platform's own. */
function platformOf(name: string): Pick<LockEntry, "os" | "cpu" | "libc"> | undefined {
  const words = name.replace(/^@[^/]+\//, "").split("-");
  const os = words.filter((word) => systems.includes(word));
  const cpu = words.filter((word) => processors.includes(word));
  if (cpu.length === 0) return undefined;
  const libc = words.flatMap((word) => (word === "musl" || word === "musleabihf" ? ["musl"] : []));
  return { cpu, ...(os.length === 0 ? {} : { os }), ...(libc.length === 0 ? {} : { libc }) };
}
