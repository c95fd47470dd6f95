import { createHmac, createSecretKey, hash, randomBytes, timingSafeEqual } from "node:crypto";

/** A new secret with one of GitLab's prefixes (runner-protocol.md §1.2.2). */
export function createToken(prefix: "glrt-" | "glrtr-"): string {
  return prefix + randomBytes(18).toString("base64url").replaceAll(/[-_]/g, "x");
}

/**
 * Token of the control API for this machine's processes that may read the data directory: always the same one for a key,
 * so that scripts can keep it.
 */
export function createLocalToken(key: Uint8Array): string {
  return `glpat-${createHmac("sha256", key).update("local access").digest("hex").slice(0, 40)}`;
}

/** What is stored of a token. */
export function hashToken(token: string): string {
  return hash("sha256", token);
}

/** Compares without telling by its duration how much was right. */
export function isSameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}

/** Makes and checks job tokens. */
export interface JobTokens {
  /** The token of one hand-out of a job. */
  create(jobId: number, handout: number): string;
  /** The job and hand-out that a token is of; `undefined` for any other text. */
  read(token: string): { jobId: number; handout: number } | undefined;
}

/**
 * Job tokens are made from the job's id with a secret key, so that none needs to be stored, yet a restarted coordinator
 * knows them: `glcbt-<id>x<hand-out>_<MAC>`.
 *
 * @param key at least 32 random bytes, kept in the data directory.
 */
export function createJobTokens(key: Uint8Array): JobTokens {
  const secret = createSecretKey(key);
  const create = (jobId: number, handout: number) => {
    const subject = `${jobId.toString(10)}x${handout.toString(10)}`;
    const mac = createHmac("sha256", secret).update(`job ${subject}`).digest("hex").slice(0, 40);
    return `glcbt-${subject}_${mac}`;
  };
  const read = (token: string) => {
    const match = /^glcbt-(\d{1,15})x(\d{1,9})_[0-9a-f]{40}$/.exec(token);
    if (match === null) return undefined;
    const jobId = Number.parseInt(match[1] ?? "", 10);
    const handout = Number.parseInt(match[2] ?? "", 10);
    return isSameSecret(token, create(jobId, handout)) ? { jobId, handout } : undefined;
  };
  return { create, read };
}
