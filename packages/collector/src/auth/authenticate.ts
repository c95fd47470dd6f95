import { decodeJwt } from "jose";
import { bearerTokenOf } from "./bearer-token.ts";
import type { OidcVerifier } from "./oidc-issuer.ts";
import type { StaticTokens } from "./static-tokens.ts";
import { refused, type Verdict } from "./verdict.ts";

/** The rules that a bearer token may satisfy; with none of them, none is asked for. */
export interface BearerRules {
  readonly tokens: StaticTokens | undefined;
  readonly issuers: readonly OidcVerifier[];
}

/** Decides by the `Authorization` header of a request, whatever protocol it came by (telemetry.md §6). */
export async function authenticate(
  authorization: string | undefined,
  { tokens, issuers }: BearerRules,
): Promise<Verdict> {
  if (tokens === undefined && issuers.length === 0) return { kind: "accepted", sender: undefined };
  const token = bearerTokenOf(authorization);
  if (token === undefined) return refused("no-token");
  const sender = tokens?.holderOf(token);
  if (sender !== undefined) return { kind: "accepted", sender };
  if (issuers.length === 0) return refused("unknown-token");
  const named = issuerNamedIn(token);
  if (named === undefined) return refused(tokens === undefined ? "malformed-token" : "unknown-token");
  const issuer = issuers.find((candidate) => candidate.issuer === named);
  return issuer === undefined ? refused("wrong-issuer") : await issuer.verify(token);
}

/** What the token claims, unproved, to choose whose keys must prove it. Undefined when it is no JWT. */
function issuerNamedIn(token: string): string | undefined {
  try {
    return decodeJwt(token).iss ?? "";
  } catch {
    return undefined;
  }
}
