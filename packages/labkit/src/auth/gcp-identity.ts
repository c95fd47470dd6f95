import type { GoogleAuth } from "google-auth-library";
import type { GcpIdentitySpec } from "./auth-spec.ts";
import { createFetchedTokenSource } from "./fetched-token.ts";
import { askIssuer } from "./issuer-request.ts";
import { expiryOf, readJwtClaims } from "./jwt-claims.ts";
import { orAbort } from "./or-abort.ts";
import { type TokenSource, TokenSourceError } from "./token-source.ts";

export interface GcpIdentityDeps {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  /** Default: Google's IAM credentials API. */
  readonly iamUrl?: string;
}

/**
 * Google ID tokens for an audience, from application default credentials: the metadata server of Compute Engine, GKE and
 * Cloud Run, a service account's key file, workload identity federation or impersonation. What GitLab calls
 * `http_bearer_gcp_oidc` (runner-protocol.md §7.1, telemetry.md §6).
 *
 * Permissions: the metadata server needs none for the attached service account. With `serviceAccount`, the default
 * credentials need `iam.serviceAccounts.getOpenIdToken` on that account (role `roles/iam.serviceAccountOpenIdTokenCreator`).
 * To check: `gcloud auth print-identity-token --audiences=<audience>`, with `--impersonate-service-account=<account>`.
 */
export function createGcpIdentitySource(spec: GcpIdentitySpec, deps: GcpIdentityDeps): TokenSource {
  const { audience, serviceAccount } = spec;
  let auth: Promise<GoogleAuth> | undefined;

  /** Credentials may appear later (a metadata server that was not up yet): after a failure they are looked for anew. */
  async function withAuth<T>(use: (auth: GoogleAuth) => Promise<T>): Promise<T> {
    try {
      auth ??= createAuth();
      return await use(await auth);
    } catch (error) {
      auth = undefined;
      throw error;
    }
  }

  async function fetchOwnToken(): Promise<string> {
    const { idTokenProvider } = await withAuth((auth) => auth.getIdTokenClient(audience));
    return await idTokenProvider.fetchIdToken(audience);
  }

  return createFetchedTokenSource({
    description: `Google identity token for audience ${audience}`,
    now: deps.now,
    async fetchToken(signal) {
      const accessToken = () => withAuth((auth) => auth.getAccessToken());
      const fetching =
        serviceAccount === undefined
          ? fetchOwnToken()
          : accessToken().then((token) => impersonate({ ...deps, audience, serviceAccount, signal }, String(token)));
      // The library takes no signal.
      const token = await orAbort(fetching, signal).catch((cause: unknown) => {
        if (cause instanceof TokenSourceError) throw cause;
        // The library's own message may quote the answer; it stays in the cause.
        throw new TokenSourceError(`no Google identity token for audience ${audience}`, { code: "unavailable", cause });
      });
      const expiresAtMs = expiryOf(readJwtClaims(token));
      if (expiresAtMs === undefined)
        throw new TokenSourceError("Google answered without an identity token", { code: "unavailable" });
      return { token, expiresAtMs };
    },
  });
}

interface Impersonation {
  readonly audience: string;
  readonly serviceAccount: string;
  readonly iamUrl?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Source: IAM Service Account Credentials API, `projects.serviceAccounts.generateIdToken`. */
async function impersonate(
  { audience, serviceAccount, iamUrl = "https://iamcredentials.googleapis.com", env = {}, signal }: Impersonation,
  accessToken: string,
): Promise<string> {
  const answer = await askIssuer({
    url: `${iamUrl}/v1/projects/-/serviceAccounts/${encodeURIComponent(serviceAccount)}:generateIdToken`,
    method: "POST",
    headers: { authorization: `Bearer ${accessToken}` },
    json: { audience, includeEmail: true },
    signal,
    env,
  });
  return String(answer["token"]);
}

/** Loaded when first needed: most processes never do. */
async function createAuth(): Promise<GoogleAuth> {
  const { GoogleAuth } = await import("google-auth-library");
  return new GoogleAuth({ scopes: ["https://www.googleapis.com/auth/cloud-platform"] });
}
