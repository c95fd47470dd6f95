import path from "node:path";
import type { GitlabSecretsManagerSource, SecretPlace, VaultSource } from "../coordinator-client/job-secret.ts";
import {
  type ProviderAnswer,
  type ProviderCall,
  type ProviderCalls,
  providerUrl,
  unexpectedAnswer,
} from "./provider-calls.ts";
import { SecretError } from "./secret-error.ts";

/**
 * A field of a secret in HashiCorp Vault or OpenBao, read with a token that a JWT login gives.
 *
 * @throws {SecretError}
 *
 * Rule: runner-protocol.md §1.8.10; Vault's HTTP API, "JWT/OIDC auth method" and "KV secrets engine".
 */
export async function readVaultSecret(source: VaultSource, calls: ProviderCalls): Promise<string> {
  const server: Server = {
    name: "Vault",
    url: providerUrl(source.url, "Vault"),
    headers: source.namespace === "" ? {} : { "x-vault-namespace": source.namespace },
  };
  const token = await logIn(source, server, calls);
  const secret = await readPlace(source, { ...server, headers: { ...server.headers, "x-vault-token": token } }, calls);
  const value = secret?.[source.field];
  if (value === undefined || value === null) throw missing(source, server);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * A field of a secret in GitLab's own secrets manager, an OpenBao: the call that reads it logs in by its headers.
 *
 * @throws {SecretError}
 *
 * Rule: runner-protocol.md §1.8.10; OpenBao's HTTP API, "Inline authentication".
 */
export async function readGitlabSecret(source: GitlabSecretsManagerSource, calls: ProviderCalls): Promise<string> {
  const name = "GitLab secrets manager";
  const { role, jwt, authMount } = source;
  for (const [key, value] of Object.entries({ role, jwt })) {
    if (value === "") throw new SecretError(`${name}: the inline authentication has no ${key}`, { code: "refused" });
  }
  const headers = {
    "x-vault-inline-auth-path": source.authPath || path.posix.join("auth", authMount, "login"),
    "x-vault-inline-auth-parameter-jwt": inlineParameter("jwt", jwt),
    "x-vault-inline-auth-parameter-role": inlineParameter("role", role),
  };
  const server: Server = { name, url: providerUrl(source.url, name), headers };
  const secret = await readPlace(source, server, calls);
  if (secret === undefined) throw missing(source, server);
  const value = secret[source.field];
  if (typeof value === "string") return value;
  const found = value === undefined ? "is not there" : "is no text";
  throw new SecretError(`field ${source.field} of ${source.path} in ${name} ${found}`, { code: "refused" });
}

/** Where calls go, with the headers of each. */
interface Server {
  readonly name: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** How OpenBao takes a parameter of an inline login: JSON in URL-safe base64 without padding. */
function inlineParameter(key: string, value: string): string {
  return Buffer.from(JSON.stringify({ key, value })).toString("base64url");
}

async function logIn({ auth }: VaultSource, server: Server, calls: ProviderCalls): Promise<string> {
  if (auth.name !== "jwt")
    throw new SecretError(`the Vault auth method "${auth.name}" is not known`, { code: "refused" });
  const { jwt, role } = auth.data;
  if (jwt === undefined) throw new SecretError("the Vault auth data has no jwt", { code: "refused" });
  const call: ProviderCall = {
    purpose: `log in to ${server.name}`,
    method: "PUT",
    url: apiUrl(server, ["auth", auth.path, "login"]),
    headers: { "x-vault-request": "true", ...server.headers },
    body: role === undefined ? { jwt } : { jwt, role },
  };
  const answer = await sendFollowing(call, calls);
  if (answer.status !== 200) throw vaultError(call, answer);
  const authentication = answer.json?.["auth"];
  const token = isObject(authentication) ? authentication["client_token"] : undefined;
  if (typeof token === "string" && token !== "") return token;
  throw new SecretError(`${server.name} at ${server.url.origin} answered the login without a token`, {
    code: "unreachable",
  });
}

/** The fields of a secret; `undefined` when there is none at its path. */
async function readPlace(
  place: SecretPlace,
  server: Server,
  calls: ProviderCalls,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const engine = engines[place.engineName];
  if (engine === undefined) {
    throw new SecretError(`the ${server.name} secrets engine "${place.engineName}" is not known`, { code: "refused" });
  }
  const call: ProviderCall = {
    purpose: `read ${place.path} from ${server.name}`,
    method: "GET",
    url: apiUrl(server, [place.enginePath, ...engine.prefix, place.path]),
    headers: { "x-vault-request": "true", ...server.headers },
  };
  const answer = await sendFollowing(call, calls);
  // A version that was deleted is answered with 404 and its metadata, a failed inline login with errors.
  const isAbsent = answer.status === 404 && errorsOf(answer).length === 0;
  if (!isAbsent && answer.status !== 200) throw vaultError(call, answer);
  const data = answer.json?.["data"];
  const fields = isObject(data) && engine.isWrapped ? data["data"] : data;
  return isObject(fields) ? fields : undefined;
}

/** Version 2 of the key-value engine keeps versions, and its data one level deeper. */
const engines: Readonly<Record<string, { readonly prefix: readonly string[]; readonly isWrapped: boolean }>> = {
  "kv-v2": { prefix: ["data"], isWrapped: true },
  "kv-v1": { prefix: [], isWrapped: false },
  generic: { prefix: [], isWrapped: false },
};

function apiUrl({ url }: Server, parts: readonly string[]): URL {
  const segments = path.posix.join("/", ...parts).split("/");
  const target = new URL(url);
  target.pathname = `${url.pathname.replace(/\/+$/, "")}/v1${segments.map(encodeURIComponent).join("/")}`;
  return target;
}

/** A standby node may point to the active one, once; never away from TLS, since the call carries a token. */
async function sendFollowing(call: ProviderCall, calls: ProviderCalls): Promise<ProviderAnswer> {
  const answer = await calls.send(call);
  const location = answer.header("location");
  if (![301, 302, 307, 308].includes(answer.status) || location === undefined) return answer;
  const url = URL.parse(location, call.url.href);
  if (url === null || (url.protocol !== "https:" && url.protocol !== call.url.protocol)) return answer;
  return calls.send({ ...call, url });
}

/** Statuses that tell of the job's configuration or Vault's, not of an outage. */
const refusals = [400, 401, 403, 404];

function vaultError(call: ProviderCall, answer: ProviderAnswer): SecretError {
  return unexpectedAnswer(call, answer, { refusals, said: errorsOf(answer).join(", ") });
}

function errorsOf({ json }: ProviderAnswer): string[] {
  const errors = json?.["errors"];
  return Array.isArray(errors) ? errors.map(String) : [];
}

function missing({ path: secretPath, field }: SecretPlace, { name }: Server): SecretError {
  return new SecretError(`secret not found: field ${field} of ${secretPath} in ${name}`, { code: "missing" });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
