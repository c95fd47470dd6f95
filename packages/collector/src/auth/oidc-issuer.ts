import { isLoopback } from "@jobscope/labkit";
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";
import { ConfigError } from "../config-error.ts";
import { type RefusalReason, refused, type Verdict } from "./verdict.ts";

/** An OpenID Connect issuer whose tokens are accepted, and which of them. */
export interface OidcIssuer {
  /**
   * The issuer as its tokens' `iss` spells it. Its keys are found by `/.well-known/openid-configuration` below it
   * (OpenID Connect Discovery 1.0 §4). `https://`, or `http://` on loopback.
   */
  readonly issuer: string;
  /** What the token's `aud` must be or hold. */
  readonly audience: string;
  /** What further top-level claims must be: each is, or as a list holds, one of the values given. Default: none. */
  readonly claims?: Readonly<Record<string, string | readonly string[]>>;
  /** How far the issuer's clock may be from ours, in seconds. Default 60. */
  readonly clockToleranceSeconds?: number;
}

/** Judges tokens of one issuer. */
export interface OidcVerifier {
  readonly issuer: string;
  verify(token: string): Promise<Verdict>;
}

/** Times of {@link createOidcVerifier}. */
export interface OidcTimes {
  /** How soon keys are asked for again when a token's key is unknown, or when they could not be had. Default 10,000 ms. */
  readonly cooldownMs?: number;
  /** How long one request to the issuer may take. Default 5000 ms. */
  readonly timeoutMs?: number;
}

/** Signatures that only the issuer can make; without the list, a public key could be taken for an HMAC's secret. */
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/**
 * Judges an issuer's tokens by its published keys, which are fetched at the first token, kept for ten minutes, and
 * fetched anew when a token names an unknown one (key rotation).
 *
 * @throws {ConfigError} when the rule cannot be applied.
 */
export function createOidcVerifier(
  rule: OidcIssuer,
  { cooldownMs = 10_000, timeoutMs = 5000 }: OidcTimes = {},
): OidcVerifier {
  assertUsable(rule);
  const { issuer, audience, claims = {}, clockToleranceSeconds: clockTolerance = 60 } = rule;
  const keys = createKeys(issuer, { cooldownMs, timeoutMs });
  const options = { issuer, audience, clockTolerance, algorithms, requiredClaims: ["exp"] };
  return {
    issuer,
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, keys, options);
        return satisfies(payload, claims)
          ? { kind: "accepted", sender: `${issuer} ${payload.sub ?? ""}` }
          : refused("wrong-claims");
      } catch (error) {
        return refused(reasonOf(error));
      }
    },
  };
}

/** The issuer's answer could not be had, or is none. */
class IssuerUnavailable extends Error {
  override readonly name = "IssuerUnavailable";
}

/** Finds the issuer's keys once they are needed; a failed discovery is repeated after the cooldown. */
function createKeys(issuer: string, { cooldownMs, timeoutMs }: Required<OidcTimes>): JWTVerifyGetKey {
  let found: Promise<JWTVerifyGetKey> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  const discover = async () => {
    try {
      const url = await discoverKeysUrl(issuer, timeoutMs);
      return createRemoteJWKSet(url, { timeoutDuration: timeoutMs, cooldownDuration: cooldownMs });
    } catch (cause) {
      found = undefined;
      failedAt = performance.now();
      throw new IssuerUnavailable(`${issuer} cannot be discovered`, { cause });
    }
  };
  return async (header, input) => {
    if (found === undefined && performance.now() - failedAt < cooldownMs) throw new IssuerUnavailable(issuer);
    found ??= discover();
    return await (await found)(header, input);
  };
}

async function discoverKeysUrl(issuer: string, timeoutMs: number): Promise<URL> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) {
    await response.body?.cancel();
    throw new IssuerUnavailable(`${url} answered ${response.status}`);
  }
  const schema = z.object({ issuer: z.literal(issuer), jwks_uri: z.url() });
  const keysUrl = new URL(schema.parse(await response.json()).jwks_uri);
  if (!isTrustworthy(keysUrl)) throw new IssuerUnavailable(`${url} names keys without TLS`);
  return keysUrl;
}

function assertUsable({ issuer, audience, clockToleranceSeconds = 0 }: OidcIssuer): void {
  const problemOf = (problem: string) => new ConfigError([{ key: "auth.oidc", problem }]);
  if (!URL.canParse(issuer) || !isTrustworthy(new URL(issuer))) {
    throw problemOf(`issuer "${issuer}" is no https:// URL (http:// is for loopback)`);
  }
  if (audience === "") throw problemOf(`the audience for ${issuer} is empty; expected what its tokens' aud must be`);
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 600)) {
    throw problemOf(`clockToleranceSeconds for ${issuer} is ${clockToleranceSeconds}; expected 0 to 600`);
  }
}

function isTrustworthy(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url));
}

function satisfies(payload: JWTPayload, claims: NonNullable<OidcIssuer["claims"]>): boolean {
  return Object.entries(claims).every(([name, expected]) => {
    const held = [payload[name]].flat();
    return [expected].flat().some((value) => held.includes(value));
  });
}

/** What jose says is wrong, in our words. What is not the token's fault is the issuer's: keys that cannot be fetched. */
function reasonOf(error: unknown): RefusalReason {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "aud") return "wrong-audience";
    return error.claim === "iss" ? "wrong-issuer" : "wrong-claims";
  }
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return "wrong-signature";
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JOSEAlgNotAllowed) {
    return "wrong-signature";
  }
  if (
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JOSENotSupported
  ) {
    return "malformed-token";
  }
  return "issuer-unavailable";
}
