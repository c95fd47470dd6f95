import { TokenSourceError } from "./token-source.ts";

/**
 * The header field of a bearer token.
 *
 * @param token surrounding whitespace is not part of it.
 * @throws {TokenSourceError} when it is empty or holds what a header field cannot (RFC 6750 §2.1).
 */
export function bearerHeaders(token: string, origin: string): Readonly<Record<string, string>> {
  const trimmed = token.trim();
  if (trimmed === "") throw new TokenSourceError(`${origin} holds no token`, { code: "malformed" });
  if (!/^[\x21-\x7e]+$/.test(trimmed))
    throw new TokenSourceError(`${origin} holds no valid bearer token`, { code: "malformed" });
  return { authorization: `Bearer ${trimmed}` };
}
