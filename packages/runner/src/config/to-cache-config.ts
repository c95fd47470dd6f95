import path from "node:path";
import type { AzureCacheConfig, CacheConfig, CacheStoreConfig, GcsCacheConfig, S3CacheConfig } from "./cache-config.ts";
import type { ConfigProblem } from "./config-error.ts";
import type { CacheTable } from "./schema/cache-table.ts";

interface Context {
  /** What relative paths are relative to. */
  readonly workingDirectory: string;
  /** Where the table is, for messages: `runners[0].cache`. */
  readonly key: string;
  readonly problems: ConfigProblem[];
}

/** Fills in what a `[runners.cache]` table leaves out. What the chosen store lacks goes to `problems`. */
export function toCacheConfig(table: CacheTable, context: Context): CacheConfig {
  return {
    store: toStore(table, context),
    path: table.Path,
    isShared: table.Shared,
    maxUploadedArchiveBytes: table.MaxUploadedArchiveSize,
  };
}

function toStore(table: CacheTable, { workingDirectory, key, problems }: Context): CacheStoreConfig | undefined {
  const type = table.Type;
  const complain = (name: string, message: string) => problems.push({ key: `${key}.${type}.${name}`, message });
  switch (type) {
    case "":
      return undefined;
    case "s3":
      return toS3(table.s3, complain);
    case "gcs":
      return toGcs(table.gcs, workingDirectory, complain);
    case "azure":
      return toAzure(table.azure, complain);
  }
}

type Complain = (name: string, message: string) => void;

function required(table: Readonly<Record<string, unknown>>, name: string, complain: Complain): string {
  const value = String(table[name] ?? "");
  if (value === "") complain(name, "expected a name, found nothing");
  return value;
}

const defaultRoleRequests = 5;

function toS3(table: CacheTable["s3"], complain: Complain): S3CacheConfig {
  const bucket = required(table, "BucketName", complain);
  const { AccessKey: accessKeyId, SecretKey: secretAccessKey, RoleARN, UploadRoleARN } = table;
  const isComplete = table.ServerAddress !== "" && accessKeyId !== "" && secretAccessKey !== "";
  const wantsKeys = table.AuthenticationType === "" ? isComplete : table.AuthenticationType === "access-key";
  if (wantsKeys && accessKeyId === "") complain("AccessKey", 'expected a key for AuthenticationType "access-key"');
  if (wantsKeys && secretAccessKey === "") complain("SecretKey", 'expected a key for AuthenticationType "access-key"');
  if (table.AuthenticationType === "" && (accessKeyId === "") !== (secretAccessKey === "")) {
    complain(accessKeyId === "" ? "AccessKey" : "SecretKey", "expected both AccessKey and SecretKey, or neither");
  }
  const endpoint = endpointOf(table);
  const algorithm = table.ServerSideEncryption;
  const keyId = table.ServerSideEncryptionKeyID || undefined;
  if (keyId !== undefined && !algorithm.startsWith("aws:kms")) {
    complain("ServerSideEncryptionKeyID", 'expected ServerSideEncryption "KMS" or "DSSE-KMS" with a key');
  }
  return {
    kind: "s3",
    endpoint,
    credentials: wantsKeys
      ? { accessKeyId, secretAccessKey, sessionToken: table.SessionToken || undefined }
      : undefined,
    bucket,
    region: table.BucketLocation || undefined,
    usesPathStyle: table.PathStyle ?? needsPathStyle(endpoint, bucket),
    usesDualStack: table.DualStack,
    isAccelerated: table.Accelerate,
    encryption: algorithm === "" ? undefined : { algorithm, keyId },
    downloadRole: RoleARN || undefined,
    uploadRole: RoleARN || UploadRoleARN || undefined,
    maxRoleRequests:
      table.AssumeRoleMaxConcurrency < 0
        ? Number.POSITIVE_INFINITY
        : table.AssumeRoleMaxConcurrency || defaultRoleRequests,
    keepsRoleCredentials: !table.DisableAssumeRoleCredentialsCaching,
  };
}

/** `s3.amazonaws.com` stands for Amazon's own addresses, which depend on the region. */
function endpointOf({ ServerAddress, Insecure }: CacheTable["s3"]): string | undefined {
  if (ServerAddress === "") return undefined;
  const { origin, host } = new URL(`${Insecure ? "http" : "https"}://${ServerAddress}`);
  return host === "s3.amazonaws.com" && !Insecure ? undefined : origin;
}

/** Stores that are known to have a host name for each bucket. A dot in the bucket's name does not fit a certificate. */
function needsPathStyle(endpoint: string | undefined, bucket: string): boolean {
  if (endpoint === undefined) return false;
  const { protocol, hostname } = new URL(endpoint);
  if (protocol === "https:" && bucket.includes(".")) return true;
  return !/(^|\.)(amazonaws\.com(\.cn)?|storage\.googleapis\.com|aliyuncs\.com)$/.test(hostname);
}

function toGcs(table: CacheTable["gcs"], workingDirectory: string, complain: Complain): GcsCacheConfig {
  return {
    kind: "gcs",
    bucket: required(table, "BucketName", complain),
    credentials: gcsCredentials(table, workingDirectory, complain),
    universeDomain: table.UniverseDomain || undefined,
  };
}

function gcsCredentials(
  { CredentialsFile, AccessID: accessId, PrivateKey }: CacheTable["gcs"],
  workingDirectory: string,
  complain: Complain,
): GcsCacheConfig["credentials"] {
  if (CredentialsFile !== "") return { kind: "file", file: path.resolve(workingDirectory, CredentialsFile) };
  if (accessId === "" && PrivateKey === "") return { kind: "default" };
  if (accessId === "") complain("AccessID", "expected both AccessID and PrivateKey, or neither");
  if (PrivateKey === "") complain("PrivateKey", "expected both AccessID and PrivateKey, or neither");
  // A key in an environment variable or on one line has its line ends written out.
  return { kind: "key", accessId, privateKey: PrivateKey.replaceAll("\\n", "\n") };
}

const defaultAzureDomain = "blob.core.windows.net";

function toAzure(table: CacheTable["azure"], complain: Complain): AzureCacheConfig {
  const accountKey = table.AccountKey || undefined;
  if (accountKey !== undefined && !/^[A-Za-z0-9+/]+={0,2}$/.test(accountKey)) {
    complain("AccountKey", "expected a key in base64");
  }
  return {
    kind: "azure",
    account: required(table, "AccountName", complain),
    accountKey,
    container: required(table, "ContainerName", complain),
    domain: table.StorageDomain || defaultAzureDomain,
  };
}
