import { createHash, getFips, type Hash } from "node:crypto";

export interface ContentDigest {
  /** Hex. */
  readonly md5: string;
  /** The header field it is from. */
  readonly source: string;
}

/**
 * What the store says of the object's content, if it does.
 *
 * An `ETag` of S3 is the content's MD5 only for objects that were sent in one request and are not encrypted with a key of
 * KMS; directory buckets (S3 Express, `…--x-s3`) have others. Sources: S3 API reference, "Object"; Cloud Storage, "x-goog-hash"; Azure, "Get Blob".
 */
export function contentDigest(headers: Readonly<Record<string, string>>, url: string): ContentDigest | undefined {
  const google = /(?:^|[\s,])md5=([A-Za-z0-9+/]{22}==)/.exec(headers["x-goog-hash"] ?? "")?.[1];
  if (google !== undefined) return { md5: fromBase64(google), source: "x-goog-hash" };
  const azure = headers["x-ms-blob-content-md5"] ?? headers["content-md5"];
  // The digest of a part, where a part was asked for.
  const isWhole = headers["content-range"] === undefined || headers["x-ms-blob-content-md5"] !== undefined;
  if (azure !== undefined && isWhole) return { md5: fromBase64(azure), source: "Content-MD5" };
  const isAmazon = headers["x-amz-request-id"] !== undefined && !url.includes("--x-s3");
  const isEncryptedByKey = /kms/i.test(headers["x-amz-server-side-encryption"] ?? "");
  const etag = /^"([0-9a-f]{32})"$/.exec(headers["etag"] ?? "")?.[1];
  return isAmazon && !isEncryptedByKey && etag !== undefined ? { md5: etag, source: "ETag" } : undefined;
}

function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString("hex");
}

/** `undefined` where MD5 is forbidden altogether (FIPS): length has to do, and the checksums in the archive. */
export function createContentHash(): Hash | undefined {
  return getFips() === 0 ? createHash("md5") : undefined;
}
