import type { GcpSecretManagerSource } from "../coordinator-client/job-secret.ts";
import { crc32c } from "./crc32c.ts";
import { type ProviderAnswer, type ProviderCall, type ProviderCalls, unexpectedAnswer } from "./provider-calls.ts";
import { SecretError } from "./secret-error.ts";

/** Google's addresses; others for tests. */
export interface GcpEndpoints {
  readonly securityTokenService: string;
  readonly secretManager: string;
}

const googleEndpoints: GcpEndpoints = {
  securityTokenService: "https://sts.googleapis.com",
  secretManager: "https://secretmanager.googleapis.com",
};

/**
 * A version of a secret in Google Cloud's Secret Manager, read with a token that workload identity federation gives for
 * the job's JWT.
 *
 * @throws {SecretError}
 *
 * Rule: runner-protocol.md §1.8.10; Google's Security Token Service API `v1.token` and Secret Manager API
 * `projects.secrets.versions.access`.
 */
export async function readGcpSecret(
  source: GcpSecretManagerSource,
  calls: ProviderCalls,
  endpoints: GcpEndpoints = googleEndpoints,
): Promise<string> {
  const token = await exchangeToken(source, calls, endpoints);
  const version = source.version || "latest";
  const name = `projects/${encodeURIComponent(source.projectNumber)}/secrets/${encodeURIComponent(source.name)}`;
  const call: ProviderCall = {
    purpose: `read the secret ${source.name} from GCP Secret Manager`,
    method: "GET",
    url: new URL(`/v1/${name}/versions/${encodeURIComponent(version)}:access`, endpoints.secretManager),
    headers: { authorization: `Bearer ${token}` },
  };
  const answer = await calls.send(call);
  // Of other statuses, 401 say, it is unclear whether the job or the federation is at fault.
  if (answer.status !== 200) throw unexpectedAnswer(call, answer, { refusals: [403, 404], said: messageOf(answer) });
  const payload = answer.json?.["payload"] as { data?: unknown; dataCrc32c?: unknown } | undefined;
  if (typeof payload?.data !== "string") {
    throw new SecretError(`secret not found: ${source.name} in GCP Secret Manager`, { code: "missing" });
  }
  const data = Buffer.from(payload.data, "base64");
  if (payload.dataCrc32c !== undefined && String(payload.dataCrc32c) !== String(crc32c(data))) {
    throw new SecretError(`the secret ${source.name} of GCP Secret Manager arrived damaged`, { code: "unreachable" });
  }
  return data.toString("utf8");
}

async function exchangeToken(
  source: GcpSecretManagerSource,
  calls: ProviderCalls,
  endpoints: GcpEndpoints,
): Promise<string> {
  const { projectNumber, poolId, providerId, jwt } = source;
  const call: ProviderCall = {
    purpose: "exchange the job's token for one of Google Cloud",
    method: "POST",
    url: new URL("/v1/token", endpoints.securityTokenService),
    body: {
      audience: `//iam.googleapis.com/projects/${projectNumber}/locations/global/workloadIdentityPools/${poolId}/providers/${providerId}`,
      grantType: "urn:ietf:params:oauth:grant-type:token-exchange",
      requestedTokenType: "urn:ietf:params:oauth:token-type:access_token",
      scope: "https://www.googleapis.com/auth/cloud-platform",
      subjectToken: jwt,
      subjectTokenType: "urn:ietf:params:oauth:token-type:id_token",
    },
  };
  const answer = await calls.send(call);
  const token = answer.json?.["access_token"];
  if (answer.status === 200 && typeof token === "string") return token;
  throw unexpectedAnswer(call, answer, { refusals: [], said: messageOf(answer) });
}

/** Of Google's API errors, and of OAuth's. */
function messageOf({ json }: ProviderAnswer): string {
  const error = json?.["error"];
  if (typeof error === "string") return [error, json?.["error_description"] ?? ""].join(": ");
  return String((error as { message?: unknown } | undefined)?.message ?? "");
}
