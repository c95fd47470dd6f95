import {
  GetBucketLocationCommand,
  GetObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { Log } from "@jobscope/labkit";
import type { S3CacheConfig } from "../../../config/cache-config.ts";
import { longestValidMs, metadataValue, type RemoteCache, RemoteCacheError } from "../remote-cache.ts";
import type { RemoteCacheDeps } from "../remote-cache-deps.ts";
import { reasonOf } from "./aws-reason.ts";
import { createRoleCredentials, type RoleCredentials } from "./role-credentials.ts";
import { sdkCredentials } from "./sdk-credentials.ts";

/** Where nothing else is known. Source: Amazon's default region for buckets. */
const defaultRegion = "us-east-1";
/** Well below the time that signing may take. */
const locationTimeoutMs = 10_000;
/** A store that did not say its region is not asked again for each archive of a job. */
const regionRetryMs = 60_000;

/**
 * S3 and what speaks its protocol: requests presigned with signature version 4, by the SDK.
 *
 * Credentials: the configured keys, else the SDK's default chain: environment, configuration files and SSO, web identity
 * (EKS), containers (ECS, EKS Pod Identity), EC2.
 *
 * Permissions: `s3:GetObject` and `s3:PutObject` below the configured path; `s3:ListBucket` makes a missing archive a 404
 * instead of a 403; `s3:GetBucketLocation` when no region is configured. With roles: `sts:AssumeRole` on them, and for
 * the roles what is above. With KMS: `kms:GenerateDataKey` and `kms:Decrypt` on the key.
 */
export function createS3Cache(config: S3CacheConfig, { log, onRole }: RemoteCacheDeps): RemoteCache {
  const connect = createConnector(config, log);
  let roles: RoleCredentials | undefined;

  /** The client to sign with: with the configured credentials, or with those of the role for this object. */
  async function clientFor(
    role: string | undefined,
    access: "read" | "write",
    { objectName, validMs, signal }: { objectName: string; validMs: number; signal: AbortSignal },
  ): Promise<S3Client> {
    const { client, region } = await connect(signal);
    if (role === undefined) return client;
    roles ??= createRoleCredentials(config, { log, region, onRole });
    const credentials = await roles({ role, access, objectName, validMs, signal });
    return new S3Client({ ...clientOptions(config), region, credentials });
  }

  async function sign(client: S3Client, command: GetObjectCommand | PutObjectCommand, validMs: number) {
    const expiresIn = Math.ceil(Math.min(validMs, longestValidMs) / 1000);
    return getSignedUrl(client, command, { expiresIn, unhoistableHeaders });
  }

  async function orReason<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    try {
      return await work();
    } catch (cause) {
      signal.throwIfAborted();
      throw new RemoteCacheError(`S3: ${reasonOf(cause)}`, { cause });
    }
  }

  return {
    backend: "s3",
    signDownload: (wish) =>
      orReason(async () => {
        const client = await clientFor(config.downloadRole, "read", wish);
        const command = new GetObjectCommand({ Bucket: config.bucket, Key: wish.objectName });
        return { url: await sign(client, command, wish.validMs), headers: {} };
      }, wish.signal),
    signUpload: (wish) =>
      orReason(async () => {
        const client = await clientFor(config.uploadRole, "write", wish);
        const cachekey = metadataValue(wish.cacheKey);
        const command = new PutObjectCommand({
          Bucket: config.bucket,
          Key: wish.objectName,
          Metadata: { cachekey },
          ...encryptionInput(config),
        });
        const url = await sign(client, command, wish.validMs);
        return { url, headers: { "x-amz-meta-cachekey": cachekey, ...encryptionHeaders(config) } };
      }, wish.signal),
  };
}

/** What S3 wants as signed header fields, not as part of the address. Source: AWS's `RequiredSignedHeaders`. */
const unhoistableHeaders = new Set([
  "x-amz-meta-cachekey",
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
]);

function encryptionInput({ encryption }: S3CacheConfig): Partial<PutObjectCommandInput> {
  if (encryption === undefined) return {};
  const { algorithm: ServerSideEncryption, keyId } = encryption;
  return keyId === undefined ? { ServerSideEncryption } : { ServerSideEncryption, SSEKMSKeyId: keyId };
}

function encryptionHeaders({ encryption }: S3CacheConfig): Record<string, string> {
  if (encryption === undefined) return {};
  const { algorithm, keyId } = encryption;
  return {
    "x-amz-server-side-encryption": algorithm,
    ...(keyId === undefined ? {} : { "x-amz-server-side-encryption-aws-kms-key-id": keyId }),
  };
}

function clientOptions(config: S3CacheConfig): S3ClientConfig {
  const { endpoint, credentials, usesPathStyle, usesDualStack, isAccelerated } = config;
  return {
    // A checksum of the body cannot be signed before there is a body; other stores do not know the header at all.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    forcePathStyle: usesPathStyle,
    ...(endpoint === undefined
      ? { useDualstackEndpoint: usesDualStack, useAccelerateEndpoint: isAccelerated }
      : { endpoint }),
    ...sdkCredentials(credentials),
  };
}

interface Connection {
  readonly client: S3Client;
  readonly region: string;
}

/** One client for all jobs. A region that could not be asked for is asked for again a minute later. */
function createConnector(config: S3CacheConfig, log: Log): (signal: AbortSignal) => Promise<Connection> {
  let connection: Connection | undefined;
  let goodUntilMs = Number.POSITIVE_INFINITY;
  return async (signal) => {
    if (connection !== undefined && performance.now() < goodUntilMs) return connection;
    const found = config.region ?? (await askRegion(config, { log, signal }));
    const region = found ?? defaultRegion;
    goodUntilMs = found === undefined ? performance.now() + regionRetryMs : Number.POSITIVE_INFINITY;
    connection = { client: new S3Client({ ...clientOptions(config), region }), region };
    return connection;
  };
}

async function askRegion(
  config: S3CacheConfig,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<string | undefined> {
  // Asked where every region's buckets are known; acceleration and dual stack are no matter here.
  const client = new S3Client({
    ...clientOptions({ ...config, isAccelerated: false }),
    region: defaultRegion,
    maxAttempts: 1,
  });
  try {
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(locationTimeoutMs)]);
    const answer = await client.send(new GetBucketLocationCommand({ Bucket: config.bucket }), { abortSignal });
    // Two historic answers. Source: S3 API reference, GetBucketLocation.
    const location: string = answer.LocationConstraint ?? "";
    return location === "" ? defaultRegion : location === "EU" ? "eu-west-1" : location;
  } catch (error) {
    signal.throwIfAborted();
    // Asked with the wrong region's signature, a store may say which is right.
    if (error instanceof Error && "Region" in error && typeof error.Region === "string") return error.Region;
    const fields = { bucket: config.bucket, region: defaultRegion, reason: reasonOf(error) };
    log.warn("the region of the cache's bucket could not be asked for: set BucketLocation", fields);
    return undefined;
  } finally {
    client.destroy();
  }
}
