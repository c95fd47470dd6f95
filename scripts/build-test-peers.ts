/**
 * Builds the servers that tests talk to where a machine has them, into a cache directory outside the repository:
 * `$JOBSCOPE_TEST_PEERS`, by default `$XDG_CACHE_HOME/jobscope-test-peers`, as `<name>@<version>/bin/<program>`.
 *
 *   node scripts/build-test-peers.ts [name …]      those; without names, all
 *
 * What is there is kept. One that cannot be built (no Go, no registry) is told on standard error and left out, and its
 * tests are skipped; the exit code is 1 then. Prints `<name> <path of the program>` a line.
 */
import { execFile } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { promisify } from "node:util";
import { testPeersDirectory } from "./test-peers-directory.ts";

interface Peer {
  readonly name: string;
  readonly version: string;
  /**
   * Go: the program's import path, or a folder of this repository with its sources. npm: the package that has a program of
   * the peer's name. Python: what a virtual environment is made with, and which file in it is the program.
   */
  readonly from:
    | { readonly kind: "go"; readonly module: string }
    | { readonly kind: "go-sources"; readonly folder: string }
    | { readonly kind: "npm"; readonly package: string }
    | { readonly kind: "python"; readonly packages: readonly string[]; readonly program: string };
}

const peers: readonly Peer[] = [
  // S3
  { name: "versitygw", version: "v1.8.0", from: { kind: "go", module: "github.com/versity/versitygw/cmd/versitygw" } },
  // Google Cloud Storage
  { name: "fake-gcs-server", version: "v1.56.1", from: { kind: "go", module: "github.com/fsouza/fake-gcs-server" } },
  // Azure Blob Storage
  { name: "azurite-blob", version: "3.37.0", from: { kind: "npm", package: "azurite" } },
  // The core of the OpenTelemetry Collector
  { name: "otelcol", version: "v0.165.0", from: { kind: "go-sources", folder: "test/peers/otelcol" } },
  // Another collector
  {
    name: "rotel",
    version: "0.0.1a15",
    from: { kind: "python", packages: ["rotel==0.0.1a15"], program: "lib/*/site-packages/rotel/rotel-agent" },
  },
  // Python with OpenTelemetry's SDK
  {
    name: "otel-python",
    version: "1.45.2",
    from: {
      kind: "python",
      packages: ["sdk", "exporter-otlp-proto-grpc", "exporter-otlp-proto-http"].map(
        (name) => `opentelemetry-${name}==1.45.2`,
      ),
      program: "bin/python",
    },
  },
];

/** One takes one to two minutes on two cores. */
const buildTimeoutMs = 10 * 60_000;
const run = promisify(execFile);
const root = testPeersDirectory();

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !peers.some((peer) => peer.name === name));
if (unknown.length > 0) {
  process.stderr.write(`no such peer: ${unknown.join(", ")}; there are: ${peers.map(({ name }) => name).join(", ")}\n`);
  process.exit(2);
}
for (const peer of peers) {
  if (wanted.length > 0 && !wanted.includes(peer.name)) continue;
  try {
    process.stdout.write(`${peer.name} ${await provide(peer)}\n`);
  } catch (error) {
    const why = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    process.stderr.write(`${peer.name}@${peer.version} could not be built: ${why}\n`);
    process.exitCode = 1;
  }
}

async function provide(peer: Peer): Promise<string> {
  const directory = join(root, `${peer.name}@${peer.version}`);
  const program = join(directory, "bin", peer.name);
  if (existsSync(program)) return program;
  mkdirSync(root, { recursive: true });
  const temporary = mkdtempSync(join(root, ".building-"));
  try {
    await build(peer, temporary);
    // As a whole, so that an interrupted build leaves nothing that looks finished.
    rmSync(directory, { recursive: true, force: true });
    renameSync(temporary, directory);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return program;
}

async function build(peer: Peer, directory: string): Promise<void> {
  const { from } = peer;
  switch (from.kind) {
    case "go":
      return await buildGo(`${from.module}@${peer.version}`, directory);
    case "go-sources": {
      const program = join(directory, "bin", peer.name);
      const flags = ["-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program];
      await run("go", ["build", ...flags, "."], { cwd: from.folder, timeout: buildTimeoutMs });
      return;
    }
    case "npm":
      return await installNpm(from.package, peer, directory);
    case "python":
      return await installPython(from, peer, directory);
  }
}

async function buildGo(module: string, directory: string): Promise<void> {
  const built = { ...env, GOBIN: join(directory, "bin"), GOFLAGS: "-trimpath" };
  await run("go", ["install", "-ldflags=-s -w", module], { env: built, cwd: directory, timeout: buildTimeoutMs });
}

async function installNpm(name: string, peer: Peer, directory: string): Promise<void> {
  writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true }));
  const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  await run("npm", ["install", ...options, `${name}@${peer.version}`], { cwd: directory, timeout: buildTimeoutMs });
  mkdirSync(join(directory, "bin"));
  symlinkSync(join("..", "node_modules", ".bin", peer.name), join(directory, "bin", peer.name));
}

/** Only programs that are no scripts: those name the folder that they were installed in, which this one is not for long. */
async function installPython(
  { packages, program }: { readonly packages: readonly string[]; readonly program: string },
  peer: Peer,
  directory: string,
): Promise<void> {
  await run("python3", ["-m", "venv", directory], { timeout: buildTimeoutMs });
  const options = ["--quiet", "--disable-pip-version-check", "--no-input"];
  const python = join(directory, "bin", "python");
  await run(python, ["-m", "pip", "install", ...options, ...packages], { timeout: buildTimeoutMs });
  const [found = program] = globSync(program, { cwd: directory });
  symlinkSync(join("..", found), join(directory, "bin", peer.name));
}
