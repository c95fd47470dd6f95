import type { AzureKeyVaultSource } from "../coordinator-client/job-secret.ts";
import {
  type ProviderAnswer,
  type ProviderCall,
  type ProviderCalls,
  providerUrl,
  unexpectedAnswer,
} from "./provider-calls.ts";
import { SecretError } from "./secret-error.ts";

const apiVersion = "7.4";

/** Where tokens come from unless `AZURE_AUTHORITY_HOST` names another cloud. */
const publicAuthority = "https://login.microsoftonline.com";

/**
 * A secret in Azure Key Vault, read with a token that Entra gives to the application for the job's JWT.
 *
 * @param authority address of Entra; empty: that of Azure's public cloud.
 * @throws {SecretError}
 *
 * Rule: runner-protocol.md §1.8.10; Key Vault REST API "Get Secret" and "Authentication, requests and responses"; Microsoft
 * identity platform, "client credentials flow with a federated credential".
 */
export async function readAzureSecret(
  source: AzureKeyVaultSource,
  calls: ProviderCalls,
  authority: string,
): Promise<string> {
  const vault = providerUrl(source.url, "Azure Key Vault");
  const url = new URL(vault);
  const segments = ["secrets", source.name, source.version].map(encodeURIComponent);
  url.pathname = `${vault.pathname.replace(/\/+$/, "")}/${segments.join("/")}`;
  url.search = `?api-version=${apiVersion}`;
  const read: ProviderCall = { purpose: `read the secret ${source.name} from Azure Key Vault`, method: "GET", url };
  const scope = scopeOf(await calls.send(read), vault);
  const token = await fetchToken(source, scope, calls, authority || publicAuthority);
  const answer = await calls.send({ ...read, headers: { authorization: `Bearer ${token}` } });
  // 401: the trust between the runner's side and the vault is broken, which is no fault of the job.
  if (answer.status !== 200) throw unexpectedAnswer(read, answer, { refusals: [403, 404], said: messageOf(answer) });
  const value = answer.json?.["value"];
  if (typeof value === "string") return value;
  throw new SecretError(`secret not found: ${source.name} in Azure Key Vault`, { code: "missing" });
}

/**
 * What a token must be asked for, as the vault tells whoever comes without one: it differs from cloud to cloud.
 *
 * A vault that names another's resource would get a token that opens the other one.
 */
function scopeOf(answer: ProviderAnswer, vault: URL): string {
  const challenge = answer.header("www-authenticate") ?? "";
  const named = /\b(?:resource|scope)="([^"]+)"/.exec(challenge)?.[1] ?? "";
  const resource = named === "" ? null : URL.parse(named);
  if (resource === null) {
    throw new SecretError(`Azure Key Vault at ${vault.origin} does not say how to log in: status ${answer.status}`, {
      code: answer.status >= 500 ? "broken" : "unreachable",
    });
  }
  if (vault.hostname !== resource.hostname && !vault.hostname.endsWith(`.${resource.hostname}`)) {
    throw new SecretError(`Azure Key Vault at ${vault.origin} asks for a token for ${resource.origin}`, {
      code: "refused",
    });
  }
  return resource.pathname.endsWith("/.default") ? resource.href : `${resource.href.replace(/\/+$/, "")}/.default`;
}

async function fetchToken(
  { clientId, tenantId, jwt }: AzureKeyVaultSource,
  scope: string,
  calls: ProviderCalls,
  authority: string,
): Promise<string> {
  const url = providerUrl(authority, "Entra (AZURE_AUTHORITY_HOST)");
  url.pathname = `/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
  const call: ProviderCall = {
    purpose: "get a token of Azure for the job's",
    method: "POST",
    url,
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: clientId,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: jwt,
      scope,
    }),
  };
  const answer = await calls.send(call);
  const token = answer.json?.["access_token"];
  if (answer.status === 200 && typeof token === "string") return token;
  throw unexpectedAnswer(call, answer, { refusals: [], said: messageOf(answer) });
}

/** Of Key Vault's errors, and of Entra's. */
function messageOf({ json }: ProviderAnswer): string {
  const error = json?.["error"];
  if (typeof error === "string") return String(json?.["error_description"] ?? error);
  return String((error as { message?: unknown } | undefined)?.message ?? "");
}
