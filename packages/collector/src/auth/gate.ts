import { ConfigError } from "../config-error.ts";
import { authenticate, type BearerRules } from "./authenticate.ts";
import type { CollectorAuth } from "./collector-auth.ts";
import { createOidcVerifier } from "./oidc-issuer.ts";
import { createRateLimit } from "./rate-limit.ts";
import { readStaticTokens } from "./static-tokens.ts";
import { type Refusal, type RefusalReason, refusalReasons, refused } from "./verdict.ts";

/** Requests turned away since the start, by reason. */
export type RefusalCounts = Record<RefusalReason, number>;

/** Who gets in: asked with each request's `Authorization`; answers why not, or nothing. Counts what it refuses. */
export interface Gate {
  /** Whether it asks for a token at all. */
  readonly asks: boolean;
  /** Counts a request that was turned away for what `admit` does not look at. */
  count(reason: RefusalReason): void;
  admit(authorization: string | undefined): Promise<Refusal | undefined>;
}

export function newRefusalCounts(): RefusalCounts {
  return Object.fromEntries(refusalReasons.map((reason) => [reason, 0])) as RefusalCounts;
}

/**
 * The gate before both OTLP receivers.
 *
 * @throws {ConfigError} when a rule cannot be applied.
 */
export async function createSendersGate(auth: CollectorAuth, counts: RefusalCounts): Promise<Gate> {
  const { tokenFile, oidc = [], maxRequestsPerSecond = 1000 } = auth;
  const twice = oidc.find(({ issuer }, index) => oidc.findIndex((other) => other.issuer === issuer) < index);
  if (twice !== undefined) throw new ConfigError([{ key: "auth.oidc", problem: `${twice.issuer} is named twice` }]);
  if (maxRequestsPerSecond !== 0 && !(maxRequestsPerSecond >= 1)) {
    const problem = `${maxRequestsPerSecond} is no rate; expected 1 or more, or 0 for no limit`;
    throw new ConfigError([{ key: "auth.maxRequestsPerSecond", problem }]);
  }
  const issuers = oidc.map((rule) => createOidcVerifier(rule));
  const tokens = tokenFile === undefined ? undefined : await readStaticTokens("auth.tokenFile", tokenFile);
  return createGate({ tokens, issuers }, maxRequestsPerSecond, counts);
}

/**
 * The gate before the query API.
 *
 * @throws {ConfigError} when its token file cannot be used.
 */
export async function createReadersGate({ apiTokenFile }: CollectorAuth, counts: RefusalCounts): Promise<Gate> {
  const tokens = apiTokenFile === undefined ? undefined : await readStaticTokens("auth.apiTokenFile", apiTokenFile);
  return createGate({ tokens, issuers: [] }, 0, counts);
}

function createGate(rules: BearerRules, maxRequestsPerSecond: number, counts: RefusalCounts): Gate {
  const isWithinRate = createRateLimit(maxRequestsPerSecond, () => performance.now());
  const judge = async (authorization: string | undefined): Promise<Refusal | undefined> => {
    const verdict = await authenticate(authorization, rules);
    if (verdict.kind === "refused") return verdict;
    if (maxRequestsPerSecond === 0 || verdict.sender === undefined || isWithinRate(verdict.sender)) return undefined;
    return refused("rate-limited");
  };
  const count = (reason: RefusalReason) => {
    counts[reason] += 1;
  };
  return {
    asks: rules.tokens !== undefined || rules.issuers.length > 0,
    count,
    async admit(authorization) {
      const refusal = await judge(authorization);
      if (refusal !== undefined) count(refusal.reason);
      return refusal;
    },
  };
}
