import { decodeJwt } from "jose";
import { bearerTokenOf } from "./bearer-token.ts";
import type { JobTokenVerifier } from "./job-tokens.ts";
import type { OidcVerifier } from "./oidc-issuer.ts";
import type { StaticTokens } from "./static-tokens.ts";
import { refused, type Verdict } from "./verdict.ts";

/** The rules that a bearer token may satisfy; with none of them, none is asked for. */
export interface BearerRules {
  readonly tokens: StaticTokens | undefined;
  readonly issuers: readonly OidcVerifier[];
  readonly jobTokens: JobTokenVerifier | undefined;
}

export function asksForTokens({ tokens, issuers, jobTokens }: BearerRules): boolean {
  return tokens !== undefined || issuers.length > 0 || jobTokens !== undefined;
}

/** GitLab's prefix of job tokens; what follows may be a JSON Web Token. An instance may have its own prefix, or none. */
const jobTokenPrefix = "glcbt-";

/** Decides by the `Authorization` header of a request, whatever protocol it came by (telemetry.md §6). */
export async function authenticate(authorization: string | undefined, rules: BearerRules): Promise<Verdict> {
  if (!asksForTokens(rules)) return { kind: "accepted", sender: undefined };
  const { tokens, issuers, jobTokens } = rules;
  const token = bearerTokenOf(authorization);
  if (token === undefined) return refused("no-token");
  const sender = tokens?.holderOf(token);
  if (sender !== undefined) return { kind: "accepted", sender };
  const named = token.startsWith(jobTokenPrefix) ? undefined : issuerNamedIn(token);
  const issuer = issuers.find((candidate) => candidate.issuer === named);
  if (issuer === undefined && jobTokens !== undefined) return await jobTokens.verify(token);
  if (issuers.length === 0) return refused("unknown-token");
  if (named === undefined) return refused(tokens === undefined ? "malformed-token" : "unknown-token");
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
