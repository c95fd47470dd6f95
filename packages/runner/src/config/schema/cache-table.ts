import { z } from "zod";
import { count } from "./fields.ts";

/** A word in any letter case, and what it means; `expected` lists the words for the message. */
function word<Meaning extends string>(meanings: Readonly<Record<string, Meaning>>, expected: string) {
  return z.string().transform((text, context) => {
    const meaning = Object.entries(meanings).find(([one]) => one.toLowerCase() === text.toLowerCase());
    if (meaning !== undefined) return meaning[1];
    context.addIssue({ code: "custom", message: `expected ${expected}`, input: text });
    return z.NEVER;
  });
}

/** `host` or `host:port`, as GitLab's runner takes it: no scheme, no path. */
const serverAddress = z.string().refine((text) => text === "" || isServerAddress(text), {
  error: 'expected a host and port such as "minio.example.com:9000", without "https://"',
});

function isServerAddress(text: string): boolean {
  const url = URL.parse(`https://${text}`);
  return url !== null && !/[/@?#\s]/.test(text) && url.hostname !== "";
}

/** `[runners.cache.s3]` in GitLab's spelling. Rule and defaults: runner-protocol.md §6.5. */
const s3CacheTable = z.object({
  ServerAddress: serverAddress.default(""),
  AccessKey: z.string().default(""),
  SecretKey: z.string().default(""),
  SessionToken: z.string().default(""),
  BucketName: z.string().default(""),
  BucketLocation: z.string().default(""),
  Insecure: z.boolean().default(false),
  AuthenticationType: word(
    { "": "", "access-key": "access-key", iam: "iam" },
    '"access-key" or "iam", or nothing to choose by what is there',
  ).default(""),
  ServerSideEncryption: word(
    {
      "": "",
      S3: "AES256",
      AES256: "AES256",
      KMS: "aws:kms",
      "aws:kms": "aws:kms",
      "DSSE-KMS": "aws:kms:dsse",
      "aws:kms:dsse": "aws:kms:dsse",
    },
    '"S3", "KMS" or "DSSE-KMS"',
  ).default(""),
  ServerSideEncryptionKeyID: z.string().default(""),
  DualStack: z.boolean().default(true),
  PathStyle: z.boolean().optional(),
  Accelerate: z.boolean().default(false),
  RoleARN: z.string().default(""),
  UploadRoleARN: z.string().default(""),
  AssumeRoleMaxConcurrency: z.number().int().default(0),
  DisableAssumeRoleCredentialsCaching: z.boolean().default(false),
});

/** `[runners.cache.gcs]`. */
const gcsCacheTable = z.object({
  AccessID: z.string().default(""),
  PrivateKey: z.string().default(""),
  CredentialsFile: z.string().default(""),
  BucketName: z.string().default(""),
  UniverseDomain: z.string().default(""),
});

/** `[runners.cache.azure]`. */
const azureCacheTable = z.object({
  AccountName: z.string().default(""),
  AccountKey: z.string().default(""),
  ContainerName: z.string().default(""),
  StorageDomain: serverAddress.default(""),
});

/** `[runners.cache]`. What the chosen store needs is checked by `toCacheConfig`: tables of other stores may be empty. */
export const cacheTable = z.object({
  Type: z.enum(["", "s3", "gcs", "azure"], { error: 'expected "s3", "gcs" or "azure"' }).default(""),
  Path: z.string().default(""),
  Shared: z.boolean().default(false),
  MaxUploadedArchiveSize: count.default(0),
  s3: s3CacheTable.prefault({}),
  gcs: gcsCacheTable.prefault({}),
  azure: azureCacheTable.prefault({}),
});

export type CacheTable = z.output<typeof cacheTable>;
