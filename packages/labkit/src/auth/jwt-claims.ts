/**
 * The claims of a JSON Web Token (RFC 7519 §3), unverified: for its expiry and for showing them. The signature is not
 * looked at, so nothing may be decided by them about trust.
 *
 * @returns undefined when the token is none.
 */
export function readJwtClaims(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload, signature, ...more] = token.split(".");
  if (payload === undefined || signature === undefined || more.length > 0) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Wall clock in milliseconds, from the claim `exp`; undefined without one. */
export function expiryOf(claims: Readonly<Record<string, unknown>> | undefined): number | undefined {
  const seconds = claims?.["exp"];
  return typeof seconds === "number" && Number.isFinite(seconds) ? seconds * 1_000 : undefined;
}
