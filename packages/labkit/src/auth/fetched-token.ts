import { bearerHeaders } from "./bearer-headers.ts";
import { orAbort } from "./or-abort.ts";
import { type TokenSource, TokenSourceError } from "./token-source.ts";

/** A token that somebody issued. */
export interface IssuedToken {
  readonly token: string;
  /** Wall clock. */
  readonly expiresAtMs: number;
}

export interface FetchedTokenOptions {
  readonly description: string;
  /** Asks for a new token. @throws {TokenSourceError} */
  readonly fetchToken: (signal: AbortSignal) => Promise<IssuedToken>;
  /** Wall clock. */
  readonly now: () => number;
}

/** Longest wait for an issuer. */
const fetchTimeoutMs = 10_000;
/** After a failure the issuer is left alone for that long; callers get the same error meanwhile. Doubles with each further one. */
const firstPauseMs = 5_000;
const longestPauseMs = 60_000;

/**
 * A bearer token that has to be asked for: cached, renewed when four fifths of its life are over, one fetch at a time.
 * While a renewal fails, the old token serves until it expires. Rule: telemetry.md §6.
 */
export function createFetchedTokenSource({ description, fetchToken, now }: FetchedTokenOptions): TokenSource {
  let cached: (IssuedToken & { renewAtMs: number }) | undefined;
  let fetching: Promise<string> | undefined;
  let failure: { error: unknown; untilMs: number; pauseMs: number } | undefined;

  async function renew(): Promise<string> {
    try {
      const issued = await fetchToken(AbortSignal.timeout(fetchTimeoutMs));
      cached = { ...issued, renewAtMs: now() + (issued.expiresAtMs - now()) * 0.8 };
      failure = undefined;
      return issued.token;
    } catch (error) {
      const pauseMs = failure === undefined ? firstPauseMs : Math.min(failure.pauseMs * 2, longestPauseMs);
      failure = { error: nameFailure(error, description), untilMs: now() + pauseMs, pauseMs };
      if (cached !== undefined && now() < cached.expiresAtMs) return cached.token;
      throw failure.error;
    }
  }

  async function currentToken(signal: AbortSignal): Promise<string> {
    const isPaused = failure !== undefined && now() < failure.untilMs;
    if (cached !== undefined && now() < (isPaused ? cached.expiresAtMs : cached.renewAtMs)) return cached.token;
    if (isPaused) throw failure?.error;
    fetching ??= renew().finally(() => {
      fetching = undefined;
    });
    return await orAbort(fetching, signal);
  }

  return {
    description,
    headers: async ({ signal }) => bearerHeaders(await currentToken(signal), description),
    invalidate() {
      cached = undefined;
      return true;
    },
  };
}

function nameFailure(error: unknown, description: string): TokenSourceError {
  if (error instanceof TokenSourceError) return error;
  return new TokenSourceError(`no ${description}: the issuer did not answer`, { code: "unavailable", cause: error });
}
