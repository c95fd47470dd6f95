import { randomUUID } from "node:crypto";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import type { S3CacheConfig } from "../../../config/cache-config.ts";
import type { RemoteCacheDeps } from "../remote-cache-deps.ts";
import { sdkCredentials } from "./sdk-credentials.ts";
import { sessionPolicy } from "./session-policy.ts";

/** Credentials of a role, good for one object. */
export type RoleCredentials = (wish: RoleWish) => Promise<SessionCredentials>;

export interface RoleWish {
  readonly role: string;
  readonly access: "read" | "write";
  readonly objectName: string;
  readonly validMs: number;
  readonly signal: AbortSignal;
}

export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** The longest that a role may be taken on from a role. Source: AWS IAM user guide, role chaining. */
const sessionMs = 3_600_000;
/** Kept ones must still be good for so long at least, and at most. */
const leastValidMs = 60_000;
const mostValidMs = 55 * 60_000;
const maxKept = 1_000;

/**
 * Takes on roles for the cache's objects: sessions of an hour whose policy lets them read or write one object. They are
 * kept, so that jobs with the same cache key share them; requests for new ones are bounded.
 *
 * Rule: runner-protocol.md §3.7, §6.5.
 */
export function createRoleCredentials(
  config: S3CacheConfig,
  { log, region, onRole = () => {} }: Pick<RemoteCacheDeps, "log" | "onRole"> & { readonly region: string },
): RoleCredentials {
  const client = new STSClient({ region, ...sdkCredentials(config.credentials) });
  const kept = new Map<string, SessionCredentials>();
  const turn = createTurns(config.maxRoleRequests);

  function stillGood(key: string, validMs: number): SessionCredentials | undefined {
    const session = kept.get(key);
    const neededMs = Math.min(Math.max(validMs, leastValidMs), mostValidMs);
    if (session !== undefined && session.expiration.getTime() - Date.now() >= neededMs) return session;
    if (kept.delete(key)) onRole({ kind: "kept", change: -1 });
    return undefined;
  }

  async function assume({ role, access, objectName, signal }: RoleWish): Promise<SessionCredentials> {
    const command = new AssumeRoleCommand({
      RoleArn: role,
      RoleSessionName: `jobscope-cache-${access}-${randomUUID().slice(0, 8)}`,
      DurationSeconds: sessionMs / 1000,
      Policy: sessionPolicy(config, { access, objectName, region }),
    });
    const startedMs = performance.now();
    const answered = (isFailure: boolean) =>
      onRole({ kind: "answered", tookS: (performance.now() - startedMs) / 1000, isFailure });
    const { Credentials: session } = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
      answered(true);
      throw error;
    });
    answered(false);
    if (!session?.AccessKeyId || !session.SecretAccessKey || !session.SessionToken) {
      throw new Error("the role was taken on, but STS gave no credentials");
    }
    log.debug("took on the cache's role", { role, access });
    return {
      accessKeyId: session.AccessKeyId,
      secretAccessKey: session.SecretAccessKey,
      sessionToken: session.SessionToken,
      expiration: session.Expiration ?? new Date(Date.now() + sessionMs),
    };
  }

  return async (wish) => {
    const key = [wish.role, wish.access, wish.objectName].join("\0");
    const found = stillGood(key, wish.validMs);
    if (found !== undefined) {
      onRole({ kind: "found" });
      return found;
    }
    const waitsSinceMs = performance.now();
    return await turn(async () => {
      // Whoever had its turn before may have wanted the same.
      const meanwhile = stillGood(key, wish.validMs);
      if (meanwhile !== undefined) {
        onRole({ kind: "found" });
        return meanwhile;
      }
      onRole({ kind: "asked", waitedS: (performance.now() - waitsSinceMs) / 1000 });
      const session = await assume(wish);
      if (config.keepsRoleCredentials) {
        const before = kept.size;
        kept.set(key, session);
        const [oldest = ""] = kept.keys();
        if (kept.size > maxKept) kept.delete(oldest);
        onRole({ kind: "kept", change: kept.size - before });
      }
      return session;
    });
  };
}

/** Lets so many pieces of work run at once; the others wait, first come, first served. */
function createTurns(max: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running < max) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
