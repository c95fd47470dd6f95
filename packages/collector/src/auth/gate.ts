import { ConfigError } from "../config-error.ts";
import { asksForTokens, authenticate, type BearerRules } from "./authenticate.ts";
import type { CollectorAuth } from "./collector-auth.ts";
import { createJobTokenVerifier } from "./job-tokens.ts";
import { createOidcVerifier } from "./oidc-issuer.ts";
import { createRateLimit } from "./rate-limit.ts";
import type { Renewable } from "./renewals.ts";
import { openTokenFile, type TokenFile } from "./static-tokens.ts";
import { type Admission, type Refusal, type RefusalReason, refusalReasons, refused, type Verdict } from "./verdict.ts";

/** Requests turned away since the start, by reason. */
export type RefusalCounts = Record<RefusalReason, number>;

/** Who gets in: asked with each request's `Authorization`. Counts what it refuses. */
export interface Gate {
  /** Its file of tokens, if it has one. */
  readonly tokenFile: Renewable | undefined;
  /** Whether it asks for a token at all. */
  readonly asks: boolean;
  /** Counts a request that was turned away for what `admit` does not look at. */
  count(reason: RefusalReason): void;
  admit(authorization: string | undefined): Promise<Verdict>;
  /** Asked again once the size of an admitted sender's request is known. */
  admitBytes(sender: Admission, bytes: number): Refusal | undefined;
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
  const { tokenFile, oidc = [], jobTokensOf, maxRequestsPerSecond = 1000, maxBytesPerSecond = 32 * 2 ** 20 } = auth;
  const twice = oidc.find(({ issuer }, index) => oidc.findIndex((other) => other.issuer === issuer) < index);
  if (twice !== undefined) throw new ConfigError([{ key: "auth.oidc", problem: `${twice.issuer} is named twice` }]);
  for (const [name, rate] of Object.entries({ maxRequestsPerSecond, maxBytesPerSecond })) {
    if (rate === 0 || rate >= 1) continue;
    const problem = `${rate} is no rate; expected 1 or more, or 0 for no limit`;
    throw new ConfigError([{ key: `auth.${name}`, problem }]);
  }
  const issuers = oidc.map((rule) => createOidcVerifier(rule));
  const tokens =
    tokenFile === undefined ? undefined : await openTokenFile("auth.tokenFile", tokenFile, "senders' tokens");
  const jobTokens = jobTokensOf === undefined ? undefined : createJobTokenVerifier(jobTokensOf);
  return createGate({ tokens, issuers, jobTokens }, { maxRequestsPerSecond, maxBytesPerSecond }, counts);
}

/**
 * The gate before the query API.
 *
 * @throws {ConfigError} when its token file cannot be used.
 */
export async function createReadersGate({ apiTokenFile }: CollectorAuth, counts: RefusalCounts): Promise<Gate> {
  const tokens =
    apiTokenFile === undefined ? undefined : await openTokenFile("auth.apiTokenFile", apiTokenFile, "readers' tokens");
  return createGate({ tokens, issuers: [], jobTokens: undefined }, noRates, counts);
}

interface Rates {
  readonly maxRequestsPerSecond: number;
  readonly maxBytesPerSecond: number;
}

const noRates: Rates = { maxRequestsPerSecond: 0, maxBytesPerSecond: 0 };

function createGate(
  rules: BearerRules & { readonly tokens: TokenFile | undefined },
  rates: Rates,
  counts: RefusalCounts,
): Gate {
  const isWithinRequests = limitOf(rates.maxRequestsPerSecond);
  const isWithinBytes = limitOf(rates.maxBytesPerSecond);
  const judge = async (authorization: string | undefined): Promise<Verdict> => {
    const verdict = await authenticate(authorization, rules);
    if (verdict.kind === "refused") return verdict;
    return isWithinRequests(verdict.sender) ? verdict : refused("rate-limited");
  };
  const count = (reason: RefusalReason) => {
    counts[reason] += 1;
  };
  return {
    tokenFile: rules.tokens,
    asks: asksForTokens(rules),
    count,
    async admit(authorization) {
      const verdict = await judge(authorization);
      if (verdict.kind === "refused") count(verdict.reason);
      return verdict;
    },
    admitBytes({ sender }, bytes) {
      if (isWithinBytes(sender, bytes)) return undefined;
      count("rate-limited");
      return refused("rate-limited");
    },
  };
}

/** @param perSecond 0: no limit. Who was not asked has none either. */
function limitOf(perSecond: number): (sender: string | undefined, cost?: number) => boolean {
  const isWithin = createRateLimit(perSecond, () => performance.now());
  return (sender, cost) => perSecond === 0 || sender === undefined || isWithin(sender, cost);
}
