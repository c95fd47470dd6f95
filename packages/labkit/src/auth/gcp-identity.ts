import type { GoogleAuth, IdTokenClient } from "google-auth-library";
import { bearerHeaders } from "./bearer-headers.ts";
import { orAbort } from "./or-abort.ts";
import { type TokenSource, TokenSourceError } from "./token-source.ts";

/**
 * Google ID tokens for an audience, from application default credentials: the metadata server of Compute Engine, GKE and
 * Cloud Run, a service account's key file, workload identity federation or impersonation. What GitLab calls
 * `http_bearer_gcp_oidc` (runner-protocol.md §7.1, telemetry.md §6).
 *
 * Permissions: the metadata server needs none for the attached service account; impersonation needs
 * `iam.serviceAccounts.getOpenIdToken`. To check: `gcloud auth print-identity-token --audiences=<audience>`.
 *
 * Google's library caches the token and renews it ahead of its expiry; the calls made here share one fetch.
 */
export function createGcpIdentitySource(audience: string): TokenSource {
  let client: Promise<IdTokenClient> | undefined;
  let fetching: Promise<Readonly<Record<string, string>>> | undefined;

  async function fetchHeaders(): Promise<Readonly<Record<string, string>>> {
    try {
      client ??= createAuth().then((auth) => auth.getIdTokenClient(audience));
      const headers = await (await client).getRequestHeaders();
      const token = (headers.get("authorization") ?? "").replace(/^Bearer\s+/i, "");
      return bearerHeaders(token, "the answer of Google's credentials");
    } catch (cause) {
      client = undefined; // Credentials may appear later: a metadata server that was not up yet.
      if (cause instanceof TokenSourceError) throw cause;
      // The library's own message may quote the answer; it stays in the cause.
      throw new TokenSourceError(`no Google identity token for audience ${audience}`, { code: "unavailable", cause });
    }
  }

  return {
    description: `Google identity token for audience ${audience}`,
    headers({ signal }) {
      fetching ??= fetchHeaders().finally(() => {
        fetching = undefined;
      });
      return orAbort(fetching, signal); // The library takes no signal.
    },
    invalidate() {
      client = undefined;
      return true;
    },
  };
}

/** Loaded when first needed: most processes never do. */
async function createAuth(): Promise<GoogleAuth> {
  const { GoogleAuth } = await import("google-auth-library");
  return new GoogleAuth();
}
