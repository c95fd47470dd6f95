/**
 * `npm start`: runs the pipeline of examples/shop with `jobscope exec`, as a user would in a repository of their own;
 * `npm start -- functions` that of examples/functions.
 *
 * The example is part of this repository, so here it is first made one of its own, with its submodule, in a temporary
 * directory that goes away again. Other arguments are passed on: `npm start -- --jobs 1`. The exit code is that of `exec`.
 */
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { skipWithoutRegistry, startDockerRegistry } from "../test/support/docker-registry.ts";

const root = resolve(import.meta.dirname, "..");
const place = mkdtempSync(join(tmpdir(), "jobscope-example-"));
// Removed whatever happens, also when something below throws.
process.on("exit", () => rmSync(place, { recursive: true, force: true, maxRetries: 3 }));

/** What each example has beside it on its GitLab, and where it is a submodule. */
const companions = {
  shop: { name: "shop-theme", path: "theme" },
  functions: { name: "functions-toolbox", path: "toolbox" },
};
const [first = "", ...others] = process.argv.slice(2);
const example = first === "functions" ? first : "shop";
const repository = makeRepository(example, (directory) => {
  const { name, path } = companions[example];
  makeRepository(name);
  // Relative, as in a group of projects on one GitLab; the local coordinator serves it beside the repository.
  git(directory, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", `../${name}`, path);
  // Names the project, as that of a clone does: caches of an earlier run are found again. Nobody contacts it.
  git(directory, "remote", "add", "origin", `https://gitlab.example.com/corner/${example}.git`);
});
const signingKey = join(place, "signing.key");
writeFileSync(signingKey, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });

// A job of the functions' pipeline publishes to a registry and calls what it published, where one can be started.
const registry = example === "functions" && skipWithoutRegistry === false ? await startDockerRegistry() : undefined;
const registryLogin = registry === undefined ? {} : { DOCKER_AUTH_CONFIG: registry.authConfig };

const exec = spawn(
  process.execPath,
  [
    "--conditions=jobscope-source",
    join(root, "packages/cli/src/main.ts"),
    "exec",
    "--cwd",
    repository,
    ...(example === "shop" ? ["--masked-variable", "SHOP_PUBLISH_TOKEN"] : []),
    ...(example === "shop" ? ["--file-variable", `SHOP_SIGNING_KEY=${signingKey}`] : []),
    ...(registry === undefined ? [] : ["--variable", `FUNCTIONS_REGISTRY=${registry.host}`]),
    ...(registry === undefined ? [] : ["--masked-variable", "DOCKER_AUTH_CONFIG"]),
    ...(first === "functions" ? others : process.argv.slice(2)),
  ],
  {
    stdio: "inherit",
    env: { ...environment(), SHOP_PUBLISH_TOKEN: randomBytes(20).toString("hex"), ...registryLogin },
  },
);
// `exec` decides what a signal means; this process stays until it has ended.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => exec.kill(signal));
exec.on("exit", async (code) => {
  await registry?.[Symbol.asyncDispose]();
  process.exit(code ?? 1);
});

/** Copies examples/<name> to a git repository with one commit on `main`. */
function makeRepository(name: string, prepare: (repository: string) => void = () => undefined): string {
  const repository = join(place, name);
  cpSync(join(root, "examples", name), repository, { recursive: true });
  git(repository, "init", "--quiet", "--initial-branch=main");
  prepare(repository);
  git(repository, "add", "--all");
  const author = ["-c", "user.name=Corner Shop", "-c", "user.email=shop@example.com", "-c", "commit.gpgSign=false"];
  git(repository, ...author, "commit", "--quiet", "--no-verify", "-m", `Open the ${name.replace("-", "'s ")}`);
  return repository;
}

function git(repository: string, ...args: string[]): void {
  execFileSync("git", ["-C", repository, ...args], { stdio: ["ignore", "ignore", "inherit"], env: environment() });
}

/** The environment without what a surrounding git command or hook may have set. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")));
}
