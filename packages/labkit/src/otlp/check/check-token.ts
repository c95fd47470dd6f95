import { createTokenSource } from "../../auth/create-token-source.ts";
import { expiryOf, readJwtClaims } from "../../auth/jwt-claims.ts";
import type { EndpointSpec, ParsedEndpoint } from "../endpoint-spec.ts";
import type { CheckBounds } from "./check-connection.ts";
import { type CheckStep, failed, passed } from "./check-step.ts";

export interface TokenCheck {
  /** Undefined for an endpoint without authentication. */
  readonly step: CheckStep | undefined;
  /** What authenticates the request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Gets the credentials, and shows what a token says about itself. */
export async function checkToken(
  { url }: ParsedEndpoint,
  { auth }: EndpointSpec,
  { signal, timeoutMs, env }: CheckBounds & { env: Readonly<Record<string, string | undefined>> },
): Promise<TokenCheck> {
  if (auth === undefined) return { step: undefined, headers: {} };
  const source = createTokenSource(auth, { env });
  try {
    const headers = await source.headers({ url, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
    return { step: describeCredentials(headers, source.description), headers };
  } catch (error) {
    const message = error instanceof Error ? error.message : "credentials could not be had";
    return { step: failed("token", { message, advice: adviceFor(auth.kind) }), headers: {} };
  }
}

function describeCredentials(headers: Readonly<Record<string, string>>, description: string): CheckStep {
  const token = /^Bearer (.*)$/.exec(headers["authorization"] ?? "")?.[1];
  if (token === undefined) return passed("token", description, { fields: Object.keys(headers).join(", ") });
  const claims = readJwtClaims(token);
  if (claims === undefined) return passed("token", `${description}, which is no JSON Web Token: nothing to show`);
  const facts = Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, showClaim(name, value)]));
  const expiresAtMs = expiryOf(claims);
  if (expiresAtMs !== undefined && expiresAtMs <= Date.now()) {
    const advice = "Check why the token is not renewed by whoever issues it, and this machine's clock.";
    return failed("token", { message: `the token expired at ${facts["exp"]}`, advice, facts });
  }
  return passed("token", description, facts);
}

const times: ReadonlySet<string> = new Set(["exp", "iat", "nbf", "auth_time"]);

function showClaim(name: string, value: unknown): string {
  if (times.has(name) && typeof value === "number" && Math.abs(value) < 8e12)
    return new Date(value * 1_000).toISOString();
  return typeof value === "string" ? value : JSON.stringify(value);
}

function adviceFor(kind: string): string {
  if (kind.startsWith("bearer") || kind === "headers") return "Check the file or variable that holds the token.";
  return "Check that this machine reaches the issuer, and the permissions that this kind of token needs.";
}
