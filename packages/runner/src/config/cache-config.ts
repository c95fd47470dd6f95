/** `[runners.cache]`. Rule: runner-protocol.md §6.5. */
export interface CacheConfig {
  /** `Type` and its table. `undefined` (default): caches stay on the runner's own disk. */
  readonly store: CacheStoreConfig | undefined;
  /** `Path`: prefix of remote object names. Default: empty. */
  readonly path: string;
  /** `Shared`: one remote cache for all runners. Default: false. */
  readonly isShared: boolean;
  /** `MaxUploadedArchiveSize`: bytes, 0 (default) = no limit. */
  readonly maxUploadedArchiveBytes: number;
}

/** Where archives go, and with which credentials. */
export type CacheStoreConfig = S3CacheConfig | GcsCacheConfig | AzureCacheConfig;

/** `[runners.cache.s3]`: Amazon S3 and what speaks its protocol. */
export interface S3CacheConfig {
  readonly kind: "s3";
  /** `ServerAddress` and `Insecure`: `https://minio.example.com:9000`. `undefined`: Amazon's own, by region. */
  readonly endpoint: string | undefined;
  /** `undefined` (`iam`): the machine's own, by the SDK's default chain. */
  readonly credentials: S3Credentials | undefined;
  /** `BucketName` */
  readonly bucket: string;
  /** `BucketLocation`; `undefined`: asked of the store. */
  readonly region: string | undefined;
  /** `PathStyle`: the bucket in the path, not in the host name. Default: by the address. */
  readonly usesPathStyle: boolean;
  /** `DualStack`: IPv4 and IPv6; Amazon's own addresses only. Default: true. */
  readonly usesDualStack: boolean;
  /** `Accelerate`: transfer acceleration; Amazon's own addresses only. */
  readonly isAccelerated: boolean;
  /** `ServerSideEncryption`, `ServerSideEncryptionKeyID`. */
  readonly encryption: S3Encryption | undefined;
  /** `RoleARN` */
  readonly downloadRole: string | undefined;
  /** `RoleARN`, else `UploadRoleARN`. */
  readonly uploadRole: string | undefined;
  /** `AssumeRoleMaxConcurrency`: requests for role credentials at once. Default: 5; negative in the file: no bound. */
  readonly maxRoleRequests: number;
  /** Not `DisableAssumeRoleCredentialsCaching`. */
  readonly keepsRoleCredentials: boolean;
}

/** Secrets but for the key's id. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

export interface S3Encryption {
  readonly algorithm: "AES256" | "aws:kms" | "aws:kms:dsse";
  /** With KMS. `undefined`: the bucket's own key. */
  readonly keyId: string | undefined;
}

/** `[runners.cache.gcs]` */
export interface GcsCacheConfig {
  readonly kind: "gcs";
  /** `BucketName` */
  readonly bucket: string;
  /** `AccessID` and `PrivateKey`, or `CredentialsFile` (absolute), or neither: application default credentials. */
  readonly credentials:
    | { readonly kind: "key"; readonly accessId: string; readonly privateKey: string }
    | { readonly kind: "file"; readonly file: string }
    | { readonly kind: "default" };
  /** `UniverseDomain`. `undefined`: that of the credentials, mostly `googleapis.com`. */
  readonly universeDomain: string | undefined;
}

/** `[runners.cache.azure]` */
export interface AzureCacheConfig {
  readonly kind: "azure";
  /** `AccountName` */
  readonly account: string;
  /** `AccountKey`, base64. A secret. `undefined`: the machine's own identity. */
  readonly accountKey: string | undefined;
  /** `ContainerName` */
  readonly container: string;
  /** `StorageDomain`. Default: `blob.core.windows.net`. A loopback address means an emulator. */
  readonly domain: string;
}

/** What of a cache's configuration no log and no span may show. */
export function cacheSecrets({ store }: CacheConfig): readonly string[] {
  switch (store?.kind) {
    case "s3":
      return [store.credentials?.secretAccessKey, store.credentials?.sessionToken].filter((one) => one !== undefined);
    case "gcs":
      return store.credentials.kind === "key" ? [store.credentials.privateKey] : [];
    case "azure":
      return store.accountKey === undefined ? [] : [store.accountKey];
    case undefined:
      return [];
  }
}
