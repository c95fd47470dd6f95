import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import type Dockerode from "dockerode";
import { z } from "zod";
import type { RegistryAccess } from "../../container-job.ts";
import { parseImageReference } from "./image-reference.ts";

/** A login for a registry, and where it was found. */
export interface RegistryLogin {
  /** As the engine takes it. A secret. */
  readonly auth: Dockerode.AuthConfig | { readonly identitytoken: string; readonly serveraddress: string };
  /** For the job log: `$DOCKER_AUTH_CONFIG`, a file's path, or the payload. */
  readonly source: string;
}

/** Finds the login for an image; `undefined`: anonymous. Problems with a source are told by `onProblem`, without secrets. */
export type FindLogin = (reference: string, onProblem: (text: string) => void) => Promise<RegistryLogin | undefined>;

const entry = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});

/** Docker's `config.json`, as far as logins go. */
const configFile = z.object({
  auths: z.record(z.string(), entry).optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});

type DockerAuthFile = z.output<typeof configFile>;

type Environment = Readonly<Record<string, string | undefined>>;

interface Source {
  readonly label: string;
  readonly file: DockerAuthFile;
}

/**
 * Logins of one job, from its variable, the runner user's files and the payload, in this order. The longest configured
 * path that begins the image's name wins, whatever source it is of; helpers run on this machine.
 *
 * @param environment of the runner: `HOME` holds `.docker/config.json`, `PATH` the credential helpers.
 *
 * Rule: runner-protocol.md §4.6.
 */
export function createLoginFinder(access: RegistryAccess, environment: Environment): FindLogin {
  let sources: Promise<{ readonly found: readonly Source[]; readonly problems: readonly string[] }> | undefined;
  return async (reference, onProblem) => {
    sources ??= readSources(access, environment["HOME"] ?? homedir());
    const { found, problems } = await sources;
    for (const problem of problems) onProblem(problem);
    const { repository } = parseImageReference(reference);
    // The sort is stable: of the same path the first source wins.
    const candidates = found
      .flatMap(({ file, label }) => candidatesIn(file, repository).map((candidate) => ({ ...candidate, label })))
      .sort((one, other) => other.path.length - one.path.length);
    for (const { login, label } of candidates) {
      try {
        const auth = await login(environment);
        if (auth !== undefined) return { auth, source: label };
      } catch (error) {
        onProblem(`credentials of ${label} cannot be used: ${error instanceof Error ? error.message : error}`);
      }
    }
    return undefined;
  };
}

async function readSources(access: RegistryAccess, home: string) {
  const found: Source[] = [];
  const problems: string[] = [];
  const take = (label: string, text: string) => {
    const file = parseAuthFile(text);
    if (file === undefined) problems.push(`${label} is no JSON in the form of Docker's config.json`);
    else found.push({ label, file });
  };
  if (access.authConfig.trim() !== "") take("$DOCKER_AUTH_CONFIG", access.authConfig);
  const file = await firstReadable([path.join(home, ".docker", "config.json"), path.join(home, ".dockercfg")]);
  if (file !== undefined) take(file.name, file.text);
  if (access.credentials.length > 0) {
    const auths = Object.fromEntries(
      access.credentials.map(({ url, username, password }) => [url, { username, password }]),
    );
    found.push({ label: "job payload (GitLab Registry)", file: { auths } });
  }
  return { found, problems };
}

async function firstReadable(names: readonly string[]) {
  for (const name of names) {
    const text = await readFile(name, "utf8").catch(() => undefined);
    if (text !== undefined) return { name, text };
  }
  return undefined;
}

/** The old `.dockercfg` is the `auths` table alone. */
function parseAuthFile(text: string): DockerAuthFile | undefined {
  try {
    const data: unknown = JSON.parse(text);
    const parsed = configFile.parse(data);
    if (parsed.auths !== undefined || parsed.credsStore !== undefined || parsed.credHelpers !== undefined)
      return parsed;
    const bare = z.record(z.string(), entry).safeParse(data);
    return bare.success ? { auths: bare.data } : {};
  } catch {
    return undefined;
  }
}

/** An entry that is for an image, and how its login is had: `undefined` when it has none. */
interface Candidate {
  readonly path: string;
  readonly login: (environment: Environment) => Promise<RegistryLogin["auth"] | undefined>;
}

function candidatesIn({ auths, credHelpers, credsStore }: DockerAuthFile, repository: string): Candidate[] {
  const helpers = entriesFor(credHelpers, repository).map(({ key, path: prefix, value }) => ({
    path: prefix,
    login: (environment: Environment) => askHelper(value, key, environment),
  }));
  const entries = entriesFor(auths, repository).map(({ key, path: prefix, value }) => ({
    path: prefix,
    async login(environment: Environment) {
      return loginOf(value, key) ?? (credsStore ? await askHelper(credsStore, key, environment) : undefined);
    },
  }));
  if (!credsStore || entries.length > 0) return [...helpers, ...entries];
  const server = serverAddressOf(repository);
  const ofStore = {
    path: normalizeKey(server),
    login: (environment: Environment) => askHelper(credsStore, server, environment),
  };
  return [...helpers, ofStore];
}

/** The entries whose path begins the image's name. */
function entriesFor<Value>(entries: Readonly<Record<string, Value>> | undefined, repository: string) {
  return Object.entries(entries ?? {})
    .map(([key, value]) => ({ key, path: normalizeKey(key), value }))
    .filter(({ path: prefix }) => repository === prefix || repository.startsWith(`${prefix}/`));
}

/** Keys may be written as addresses: `https://index.docker.io/v1/`. */
function normalizeKey(key: string): string {
  const bare = key
    .replace(/^https?:\/\//, "")
    .replace(/\/(?:v[12]\/?)?$/, "")
    .replace(/\/$/, "");
  const [host = "", ...rest] = bare.split("/");
  const known = host.toLowerCase();
  return [known === "index.docker.io" ? "docker.io" : known, ...rest].join("/");
}

function serverAddressOf(repository: string): string {
  const host = repository.split("/", 1)[0] ?? "";
  return host === "docker.io" ? "https://index.docker.io/v1/" : host;
}

function loginOf(found: z.output<typeof entry>, serveraddress: string): RegistryLogin["auth"] | undefined {
  if (found.identitytoken) return { identitytoken: found.identitytoken, serveraddress };
  if (found.username && found.password !== undefined) {
    return { username: found.username, password: found.password, serveraddress };
  }
  const decoded = Buffer.from(found.auth ?? "", "base64").toString();
  const colon = decoded.indexOf(":");
  if (colon <= 0) return undefined;
  // Docker pads the text with NUL at times.
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, ""), serveraddress };
}

const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

/** How long a credential helper may think. */
const helperTimeoutMs = 30_000;

/** Asks `docker-credential-<name>`; it answers with a user of `<token>` when the secret is an identity token. */
async function askHelper(
  name: string,
  server: string,
  environment: Environment,
): Promise<RegistryLogin["auth"] | undefined> {
  if (name.includes("/") || name.includes("\\")) throw new Error(`"${name}" is no name of a credential helper`);
  const output = await new Promise<string | undefined>((resolve, reject) => {
    const child = execFile(
      `docker-credential-${name}`,
      ["get"],
      { timeout: helperTimeoutMs, env: environment },
      (error, stdout) => {
        if (error === null) resolve(stdout);
        else if (/credentials not found/i.test(stdout)) resolve(undefined);
        else if (error.code === "ENOENT") reject(new Error(`docker-credential-${name} is not installed`));
        else reject(new Error(`docker-credential-${name} failed (exit code ${error.code ?? "unknown"})`));
      },
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(server);
  });
  if (output === undefined) return undefined;
  const answer = helperAnswer.safeParse(parseJson(output));
  if (!answer.success) throw new Error(`docker-credential-${name} answered in an unknown form`);
  const { Username: username, Secret: secret } = answer.data;
  return username === "<token>"
    ? { identitytoken: secret, serveraddress: server }
    : { username, password: secret, serveraddress: server };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
