/**
 * Packs every package as npm would publish it, installs each into an empty folder, and runs it there.
 *
 * Nothing else would notice a file missing from `dist/`, a dependency that is not declared, or a broken `exports`.
 */
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** What each package must do once installed: a module to run, after which it exits with 0. */
const smokeTests: Readonly<Record<string, string>> = {
  labkit: 'import { createMasker } from "@jobscope/labkit"; createMasker({ phrases: ["x"] }).mask("x");',
  "job-telemetry": 'import { negotiate } from "@jobscope/job-telemetry"; if (!negotiate) process.exit(1);',
  functions:
    'import * as functions from "@jobscope/functions"; if (Object.keys(functions).length === 0) process.exit(1);',
  runner: 'import { parseConfig } from "@jobscope/runner"; parseConfig({ concurrent: 1 });',
  coordinator: 'import { startCoordinator } from "@jobscope/coordinator"; if (!startCoordinator) process.exit(1);',
  collector: [
    'import { startCollector } from "@jobscope/collector";',
    "const log = Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, () => {}]));",
    "const store = { kind: 'embedded', dataDir: 'data' };",
    "const any = '127.0.0.1:0';",
    "const collector = await startCollector({ otlpHttp: any, otlpGrpc: any, api: any, store, log });",
    "await collector[Symbol.asyncDispose]();",
  ].join("\n"),
  cli: [
    'import { execFileSync } from "node:child_process";',
    'import { writeFileSync } from "node:fs";',
    "const run = (file, ...args) => execFileSync(file, args, { stdio: 'inherit' });",
    "run('git', 'init', '--quiet', 'shop');",
    "writeFileSync('shop/.gitlab-ci.yml', 'job:\\n  script: echo packed\\n');",
    "run('node_modules/.bin/jobscope', '--version');",
    "run('node_modules/.bin/jobscope', 'exec', '--cwd', 'shop', '--data', 'data');",
  ].join("\n"),
};

const root = resolve(import.meta.dirname, "..");
const directory = mkdtempSync(join(tmpdir(), "jobscope-packed-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

const tarballs = join(directory, "tarballs");
mkdirSync(tarballs);
for (const name of Object.keys(smokeTests)) {
  execFileSync("npm", ["pack", "--silent", "--pack-destination", tarballs], { cwd: join(root, "packages", name) });
}
for (const [name, program] of Object.entries(smokeTests)) installAndRun(name, program);

function installAndRun(name: string, program: string): void {
  const folder = join(directory, name);
  mkdirSync(folder);
  const own = [name, ...ownDependencies(name)].map((one) => tarballOf(one));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, allowScripts: { chdb: true } }));
  execFileSync("npm", ["install", "--silent", "--prefer-offline", "--no-audit", "--no-fund", ...own], { cwd: folder });
  writeFileSync(join(folder, "smoke-test.mjs"), program);
  execFileSync(process.execPath, ["smoke-test.mjs"], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  rmSync(folder, { recursive: true });
  process.stdout.write(`@jobscope/${name} installs and runs\n`);
}

/** Packages of ours that a package needs, directly or not: none is in a registry yet. */
function ownDependencies(name: string, seen = new Set<string>()): Set<string> {
  const manifest = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  for (const dependency of Object.keys(manifest.dependencies ?? {})) {
    const own = /^@jobscope\/(?<name>.+)$/.exec(dependency)?.groups?.["name"];
    if (own === undefined || seen.has(own)) continue;
    seen.add(own);
    ownDependencies(own, seen);
  }
  return seen;
}

function tarballOf(name: string): string {
  const [file] = globSync(`jobscope-${name}-*.tgz`, { cwd: tarballs });
  if (file === undefined) throw new Error(`npm pack made no file for ${name}`);
  return join(tarballs, file);
}
