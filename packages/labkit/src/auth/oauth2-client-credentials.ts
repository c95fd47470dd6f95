import type { ClientCredentialsSpec } from "./auth-spec.ts";
import { createFetchedTokenSource } from "./fetched-token.ts";
import { askIssuer, readTokenAnswer } from "./issuer-request.ts";
import { readSecret } from "./secret.ts";
import { type TokenSource, TokenSourceError } from "./token-source.ts";

/**
 * OAuth2 client credentials from an OIDC issuer (RFC 6749 §4.4; OpenID Connect Discovery §4).
 *
 * Permissions: a confidential client with the client credentials grant. To check:
 * `curl -u <id>:<secret> -d grant_type=client_credentials <token endpoint>`.
 */
export function createClientCredentialsSource(
  spec: ClientCredentialsSpec,
  deps: { env: Readonly<Record<string, string | undefined>>; now: () => number },
): TokenSource {
  return createFetchedTokenSource({
    description: `OAuth2 token of client ${spec.clientId}`,
    now: deps.now,
    async fetchToken(signal) {
      const issuer = spec.issuer.replace(/\/+$/, "");
      const { env } = deps;
      const discovery = await askIssuer({
        url: `${issuer}/.well-known/openid-configuration`,
        method: "GET",
        signal,
        env,
      });
      const tokenEndpoint = discovery["token_endpoint"];
      if (typeof tokenEndpoint !== "string" || !URL.canParse(tokenEndpoint)) {
        throw new TokenSourceError(`${issuer} names no token endpoint`, { code: "unavailable" });
      }
      const secret = await readSecret(spec.clientSecret, env);
      const answer = await askIssuer({
        url: tokenEndpoint,
        method: "POST",
        headers: { authorization: basicAuthorization(spec.clientId, secret) },
        form: {
          grant_type: "client_credentials",
          ...(spec.scope === undefined ? {} : { scope: spec.scope }),
          ...(spec.audience === undefined ? {} : { audience: spec.audience }),
          ...(spec.resource === undefined ? {} : { resource: spec.resource }),
        },
        signal,
        env,
      });
      return readTokenAnswer(answer, issuer, deps.now());
    },
  });
}

/** RFC 6749 §2.3.1: both parts are form-encoded before they are joined. */
function basicAuthorization(clientId: string, secret: string): string {
  return `Basic ${Buffer.from(`${formEncode(clientId)}:${formEncode(secret)}`).toString("base64")}`;
}

function formEncode(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}
