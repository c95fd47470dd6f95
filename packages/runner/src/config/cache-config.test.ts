import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cacheSecrets, type S3CacheConfig } from "./cache-config.ts";
import { ConfigError } from "./config-error.ts";
import { parseToml } from "./load-config.ts";
import { parseConfig } from "./parse-config.ts";

function cacheOf(toml: string) {
  const text = `[[runners]]\nurl = "https://g"\ntoken = "t"\nexecutor = "shell"\n${toml}`;
  const options = { environment: {}, workingDirectory: "/srv/runner" };
  const cache = parseConfig(parseToml(text, "config.toml"), options).runners[0]?.cache;
  assert.ok(cache);
  return cache;
}

function problemsOf(toml: string): readonly string[] {
  try {
    cacheOf(toml);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key, message }) => `${key}: ${message}`);
    throw error;
  }
  return [];
}

const s3 = (keys: string) => `[runners.cache]\nType = "s3"\n[runners.cache.s3]\nBucketName = "b"\n${keys}`;
const gcs = (keys: string) => `[runners.cache]\nType = "gcs"\n[runners.cache.gcs]\nBucketName = "b"\n${keys}`;
const azure = (keys: string) =>
  `[runners.cache]\nType = "azure"\n[runners.cache.azure]\nAccountName = "a"\nContainerName = "c"\n${keys}`;
const keys = 'AccessKey = "AKIA"\nSecretKey = "s3cret"\n';

/** Source of all: runner-protocol.md §6.5. */
const stores: readonly { readonly name: string; readonly toml: string; readonly has: object }[] = [
  {
    name: "S3 without keys uses the machine's own, at Amazon's addresses",
    toml: s3(""),
    has: { credentials: undefined, endpoint: undefined, region: undefined, usesPathStyle: false, usesDualStack: true },
  },
  {
    name: "keys without an address are not used unless the type says so",
    toml: s3(keys),
    has: { credentials: undefined },
  },
  {
    name: "keys without an address are used when the type says so, in any letter case",
    toml: s3(`${keys}AuthenticationType = "Access-Key"`),
    has: { credentials: { accessKeyId: "AKIA", secretAccessKey: "s3cret", sessionToken: undefined } },
  },
  {
    name: "an address of one's own means path style, plain HTTP only where wanted",
    toml: s3(`${keys}ServerAddress = "minio:9000"\nInsecure = true\nSessionToken = "x"`),
    has: {
      endpoint: "http://minio:9000",
      usesPathStyle: true,
      credentials: { accessKeyId: "AKIA", secretAccessKey: "s3cret", sessionToken: "x" },
    },
  },
  { name: "the usual port is left out", toml: s3('ServerAddress = "minio:443"'), has: { endpoint: "https://minio" } },
  {
    name: "Amazon's old address means its own addresses",
    toml: s3('ServerAddress = "s3.amazonaws.com"'),
    has: { endpoint: undefined, usesPathStyle: false },
  },
  {
    name: "Google's interoperable address has a host for each bucket",
    toml: s3('ServerAddress = "storage.googleapis.com"'),
    has: { usesPathStyle: false },
  },
  {
    name: "a bucket with a dot fits no certificate",
    toml: s3('ServerAddress = "s3.eu-west-1.amazonaws.com"').replace('"b"', '"a.b"'),
    has: { usesPathStyle: true },
  },
  { name: "PathStyle wins", toml: s3('ServerAddress = "m"\nPathStyle = false'), has: { usesPathStyle: false } },
  {
    name: "RoleARN is for both directions",
    toml: s3('RoleARN = "r"\nUploadRoleARN = "u"'),
    has: { downloadRole: "r", uploadRole: "r", maxRoleRequests: 5, keepsRoleCredentials: true },
  },
  {
    name: "UploadRoleARN is for uploads",
    toml: s3('UploadRoleARN = "u"\nAssumeRoleMaxConcurrency = -1\nDisableAssumeRoleCredentialsCaching = true'),
    has: {
      downloadRole: undefined,
      uploadRole: "u",
      maxRoleRequests: Number.POSITIVE_INFINITY,
      keepsRoleCredentials: false,
    },
  },
  {
    name: "encryption has several spellings",
    toml: s3('ServerSideEncryption = "kms"\nServerSideEncryptionKeyID = "k"'),
    has: { encryption: { algorithm: "aws:kms", keyId: "k" } },
  },
  {
    name: "S3 encrypts",
    toml: s3('ServerSideEncryption = "S3"'),
    has: { encryption: { algorithm: "AES256", keyId: undefined } },
  },
  { name: "GCS without keys uses the machine's own", toml: gcs(""), has: { credentials: { kind: "default" } } },
  {
    name: "a key file wins over keys",
    toml: gcs('CredentialsFile = "gcp.json"\nAccessID = "a"\nPrivateKey = "p"'),
    has: { credentials: { kind: "file", file: "/srv/runner/gcp.json" } },
  },
  {
    name: "a key on one line has its line ends",
    toml: gcs('AccessID = "a"\nPrivateKey = "-----\\\\nx"'),
    has: { credentials: { kind: "key", accessId: "a", privateKey: "-----\nx" } },
  },
  {
    name: "Azure's domain has a default",
    toml: azure(""),
    has: { domain: "blob.core.windows.net", accountKey: undefined },
  },
];

/** Each with the one problem it makes. */
const wrong: readonly { readonly toml: string; readonly problem: string }[] = [
  {
    toml: '[runners.cache]\nType = "s4"',
    problem: 'runners[0].cache.Type: expected "s3", "gcs" or "azure", found "s4"',
  },
  { toml: '[runners.cache]\nType = "s3"', problem: "runners[0].cache.s3.BucketName: expected a name, found nothing" },
  {
    toml: s3('AccessKey = "AKIA"'),
    problem: "runners[0].cache.s3.SecretKey: expected both AccessKey and SecretKey, or neither",
  },
  {
    toml: s3('AuthenticationType = "keys"'),
    problem:
      'runners[0].cache.s3.AuthenticationType: expected "access-key" or "iam", or nothing to choose by what is there, found "keys"',
  },
  {
    toml: s3('ServerAddress = "https://minio"'),
    problem:
      'runners[0].cache.s3.ServerAddress: expected a host and port such as "minio.example.com:9000", without "https://", found "https://minio"',
  },
  {
    toml: s3('ServerSideEncryptionKeyID = "k"'),
    problem:
      'runners[0].cache.s3.ServerSideEncryptionKeyID: expected ServerSideEncryption "KMS" or "DSSE-KMS" with a key',
  },
  {
    toml: gcs('AccessID = "a"'),
    problem: "runners[0].cache.gcs.PrivateKey: expected both AccessID and PrivateKey, or neither",
  },
  { toml: azure('AccountKey = "not base64!"'), problem: "runners[0].cache.azure.AccountKey: expected a key in base64" },
  {
    toml: "[runners.cache]\nMaxUploadedArchiveSize = -1",
    problem: "runners[0].cache.MaxUploadedArchiveSize: Too small: expected number to be >=0, found -1",
  },
];

describe("[runners.cache]", () => {
  for (const { name, toml, has } of stores) {
    test(name, () => {
      const { store } = cacheOf(toml);
      assert.partialDeepStrictEqual(store, has);
    });
  }

  test("without a type, tables of stores may be there, empty", () => {
    assert.equal(cacheOf("[runners.cache.s3]\n[runners.cache.gcs]\n[runners.cache.azure]\n").store, undefined);
  });

  for (const { toml, problem } of wrong) {
    test(`says "${problem}"`, () => assert.deepEqual(problemsOf(toml), [problem]));
  }

  test("what is secret is known as such, and never part of a problem", () => {
    const config = cacheOf(s3(`${keys}ServerAddress = "m"\nSessionToken = "t0ken"`));
    assert.deepEqual(cacheSecrets(config), ["s3cret", "t0ken"]);
    assert.doesNotMatch(problemsOf(s3('SecretKey = ["s3cret"]')).join(), /s3cret/);
    assert.equal((config.store as S3CacheConfig).bucket, "b");
  });
});
