import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { acceptedJwt, type SecretProviders, startSecretProviders } from "../../test/support/secret-providers.ts";
import type {
  AwsSecretsManagerSource,
  AzureKeyVaultSource,
  GcpSecretManagerSource,
  GitlabSecretsManagerSource,
  VaultSource,
} from "../coordinator-client/job-secret.ts";
import { readAwsSecret } from "./aws-secrets-manager.ts";
import { crc32c } from "./crc32c.ts";
import { readGcpSecret } from "./gcp-secret-manager.ts";
import { openProviderCalls } from "./provider-calls.ts";
import { readSecret } from "./read-secret.ts";
import { SecretError } from "./secret-error.ts";

/** An answer's data as Google sends it. */
function gcpPayload(value: string, sum = crc32c(Buffer.from(value))) {
  return { gcp: { data: Buffer.from(value).toString("base64"), dataCrc32c: String(sum) } };
}

const held = {
  "db/main": { password: "of-vault", port: 5432, labels: { a: 1 } },
  "team:db": { password: "of-a-namespace" },
  deleted: { gone: null },
  gitlab: { value: "of-gitlab", number: 3 },
  google: gcpPayload("of-google"),
  damaged: gcpPayload("of-google", 1),
  empty: {},
  azure: { newest: "of-azure", "0123": "of-azure-before" },
  aws: { SecretString: '{"user":"root","port":5432,"tags":[]}' },
  bytes: { SecretBinary: Buffer.from("raw").toString("base64") },
  nothing: {},
};

type Case<Source> = { readonly name: string; readonly change: Partial<Source>; readonly gives: string | Refusal };
type Refusal = { readonly code: SecretError["code"]; readonly says: RegExp };

describe("secret providers (runner-protocol.md §1.8.10)", () => {
  let providers: SecretProviders;
  const { signal } = new AbortController();

  before(async () => {
    providers = await startSecretProviders(held);
  });

  after(() => providers[Symbol.asyncDispose]());

  function check<Source>(
    provider: string,
    base: (url: string) => Source,
    read: (source: Source) => Promise<string>,
    cases: readonly Case<Source>[],
  ) {
    for (const { name, change, gives } of cases) {
      test(`${provider}: ${name}`, async () => {
        const reading = read({ ...base(providers.url), ...change });
        if (typeof gives === "string") assert.equal(await reading, gives);
        else {
          await assert.rejects(reading, (error) => {
            assert.ok(error instanceof SecretError, String(error));
            assert.match(error.message, gives.says);
            assert.equal(error.code, gives.code);
            assert.equal(error.message.includes(acceptedJwt), false);
            return true;
          });
        }
      });
    }
  }

  async function readWithCalls(source: Parameters<typeof readSecret>[0]): Promise<string> {
    await using calls = openProviderCalls({ environment: {}, signal });
    return await readSecret(source, { calls, environment: { AZURE_AUTHORITY_HOST: providers.url }, signal });
  }

  const login = { name: "jwt", path: "jwt", data: { jwt: acceptedJwt, role: "ci" } };
  check<VaultSource>(
    "Vault",
    (url) => ({
      provider: "vault",
      url,
      namespace: "",
      auth: login,
      engineName: "kv-v2",
      enginePath: "kv",
      path: "db/main",
      field: "password",
    }),
    readWithCalls,
    [
      { name: "a field of kv-v2", change: {}, gives: "of-vault" },
      { name: "a number becomes its text", change: { field: "port" }, gives: "5432" },
      { name: "an object becomes JSON", change: { field: "labels" }, gives: '{"a":1}' },
      { name: "a field of kv-v1", change: { engineName: "kv-v1", enginePath: "old" }, gives: "of-vault" },
      { name: "the generic engine", change: { engineName: "generic", enginePath: "old" }, gives: "of-vault" },
      { name: "a namespace", change: { namespace: "team", path: "db" }, gives: "of-a-namespace" },
      {
        name: "a field that is not there",
        change: { field: "no" },
        gives: { code: "missing", says: /^secret not found/ },
      },
      {
        name: "a path that is not there",
        change: { path: "no" },
        gives: { code: "missing", says: /^secret not found/ },
      },
      { name: "a null", change: { path: "deleted", field: "gone" }, gives: { code: "missing", says: /not found/ } },
      {
        name: "a path without permission",
        change: { path: "forbidden" },
        gives: {
          code: "refused",
          says: /could not read forbidden from Vault at http:\S+: status 403 \(permission denied\)/,
        },
      },
      {
        name: "a role that does not exist",
        change: { auth: { ...login, data: { jwt: acceptedJwt, role: "unknown" } } },
        gives: {
          code: "refused",
          says: /could not log in to Vault at \S+: status 400 \(role "unknown" could not be found\)/,
        },
      },
      {
        name: "a token that is not accepted",
        change: { auth: { ...login, data: { jwt: "other" } } },
        gives: { code: "refused", says: /status 403/ },
      },
      { name: "no token", change: { auth: { ...login, data: {} } }, gives: { code: "refused", says: /has no jwt/ } },
      {
        name: "an unknown auth method",
        change: { auth: { ...login, name: "ldap" } },
        gives: { code: "refused", says: /auth method "ldap" is not known/ },
      },
      {
        name: "an unknown engine",
        change: { engineName: "pki" },
        gives: { code: "refused", says: /secrets engine "pki" is not known/ },
      },
      {
        name: "no address",
        change: { url: "" },
        gives: { code: "refused", says: /address of Vault .* found nothing/ },
      },
      {
        name: "nobody at the address",
        change: { url: "http://127.0.0.1:1" },
        gives: { code: "unreachable", says: /could not log in to Vault at http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/ },
      },
    ],
  );

  test("Vault: a standby node's redirect is followed", async () => {
    const source: VaultSource = {
      ...{ provider: "vault", url: `${providers.url}/standby`, namespace: "", auth: login },
      ...{ engineName: "kv-v2", enginePath: "kv", path: "db/main", field: "password" },
    };
    assert.equal(await readWithCalls(source), "of-vault");
  });

  for (const [status, code] of [
    [500, "broken"],
    [503, "broken"],
    [429, "unreachable"],
  ] as const) {
    test(`Vault: status ${status} is ${code}`, async () => {
      providers.failWith(status);
      const source: VaultSource = {
        ...{ provider: "vault", url: providers.url, namespace: "", auth: login },
        ...{ engineName: "kv-v2", enginePath: "kv", path: "db/main", field: "password" },
      };
      await assert.rejects(readWithCalls(source), { name: "SecretError", code });
    });
  }

  check<GitlabSecretsManagerSource>(
    "GitLab secrets manager",
    (url) => ({
      provider: "gitlab_secrets_manager",
      url,
      authPath: "",
      authMount: "gitlab_jwt",
      role: "project_7",
      jwt: acceptedJwt,
      engineName: "kv-v2",
      enginePath: "kv",
      path: "gitlab",
      field: "value",
    }),
    readWithCalls,
    [
      { name: "a field, with an inline login", change: {}, gives: "of-gitlab" },
      {
        name: "a login path of its own",
        change: { authMount: "", authPath: "auth/gitlab_jwt/login" },
        gives: "of-gitlab",
      },
      { name: "another role", change: { role: "other" }, gives: { code: "refused", says: /status 403/ } },
      { name: "no role", change: { role: "" }, gives: { code: "refused", says: /has no role/ } },
      { name: "a secret that is not there", change: { path: "no" }, gives: { code: "missing", says: /not found/ } },
      { name: "a field that is not there", change: { field: "no" }, gives: { code: "refused", says: /is not there/ } },
      { name: "a field that is no text", change: { field: "number" }, gives: { code: "refused", says: /is no text/ } },
    ],
  );

  check<GcpSecretManagerSource>(
    "GCP Secret Manager",
    () => ({
      provider: "gcp_secret_manager",
      name: "google",
      version: "",
      projectNumber: "123",
      poolId: "pool",
      providerId: "gitlab",
      jwt: acceptedJwt,
    }),
    async (source) => {
      await using calls = openProviderCalls({ environment: {}, signal });
      return await readGcpSecret(source, calls, { securityTokenService: providers.url, secretManager: providers.url });
    },
    [
      { name: "the latest version", change: {}, gives: "of-google" },
      {
        name: "no permission",
        change: { name: "forbidden" },
        gives: { code: "refused", says: /status 403 \(Permission/ },
      },
      { name: "a secret that is not there", change: { name: "no" }, gives: { code: "refused", says: /status 404/ } },
      { name: "a version without data", change: { name: "empty" }, gives: { code: "missing", says: /not found/ } },
      {
        name: "data that arrived damaged",
        change: { name: "damaged" },
        gives: { code: "unreachable", says: /damaged/ },
      },
      {
        name: "a token that is not accepted",
        change: { jwt: "other" },
        gives: { code: "unreachable", says: /status 400 \(invalid_grant: the token is not accepted\)/ },
      },
    ],
  );

  check<AzureKeyVaultSource>(
    "Azure Key Vault",
    (url) => ({
      provider: "azure_key_vault",
      name: "azure",
      version: "",
      url,
      clientId: "the-client",
      tenantId: "the-tenant",
      jwt: acceptedJwt,
    }),
    readWithCalls,
    [
      { name: "the newest version", change: {}, gives: "of-azure" },
      { name: "a version", change: { version: "0123" }, gives: "of-azure-before" },
      { name: "no permission", change: { name: "forbidden" }, gives: { code: "refused", says: /403 \(no get perm/ } },
      {
        name: "a secret that is not there",
        change: { name: "no" },
        gives: { code: "refused", says: /404 \(no was not/ },
      },
      {
        name: "a client that is not trusted",
        change: { clientId: "x" },
        gives: { code: "unreachable", says: /AADSTS/ },
      },
      {
        name: "a vault that wants a token for another one's resource",
        change: { name: "greedy" },
        gives: { code: "refused", says: /asks for a token for https:\/\/vault\.example\.com/ },
      },
    ],
  );

  check<AwsSecretsManagerSource>(
    "AWS Secrets Manager",
    () => ({
      provider: "aws_secrets_manager",
      secretId: "aws",
      versionId: "",
      versionStage: "AWSCURRENT",
      field: "",
      region: "eu-central-1",
      roleArn: "arn:aws:iam::1:role/ci",
      roleSessionName: "job",
      jwt: acceptedJwt,
    }),
    (source) => {
      const endpoints = { securityTokenService: providers.url, secretsManager: providers.url };
      return readAwsSecret(source, { environment: {}, signal, endpoints });
    },
    [
      { name: "the whole text", change: {}, gives: held.aws.SecretString },
      { name: "a field", change: { field: "user" }, gives: "root" },
      { name: "a number", change: { field: "port" }, gives: "5432" },
      { name: "bytes become base64", change: { secretId: "bytes" }, gives: "cmF3" },
      {
        name: "a field that is not there",
        change: { field: "no" },
        gives: { code: "refused", says: /has no field no/ },
      },
      {
        name: "a field that is a list",
        change: { field: "tags" },
        gives: { code: "refused", says: /no text, number/ },
      },
      {
        name: "a field of what is no JSON",
        change: { secretId: "bytes", field: "a" },
        gives: { code: "refused", says: /no JSON/ },
      },
      {
        name: "a secret that is not there",
        change: { secretId: "no" },
        gives: { code: "refused", says: /ResourceNotFound/ },
      },
      { name: "no permission", change: { secretId: "forbidden" }, gives: { code: "refused", says: /AccessDeniedExc/ } },
      {
        name: "a secret without a value",
        change: { secretId: "nothing" },
        gives: { code: "missing", says: /no value/ },
      },
      { name: "a token without a role", change: { roleArn: "" }, gives: { code: "refused", says: /role is needed/ } },
      {
        name: "a role that is not trusted",
        change: { roleArn: "x" },
        gives: { code: "unreachable", says: /AccessDenied/ },
      },
    ],
  );

  test("a provider that never answers is given up, and one that answers without end is cut off", async () => {
    const server = createServer((request, response) => {
      if (request.url === "/endless") Readable.from(endlessly()).pipe(response);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const call = { purpose: "read a secret", method: "GET" } as const;
    try {
      await using hasty = openProviderCalls({ environment: {}, signal, timeoutMs: 50 });
      const silent = hasty.send({ ...call, url: new URL("/silent", base) });
      await assert.rejects(silent, {
        code: "unreachable",
        message: /^could not read a secret at \S+: no answer in time$/,
      });
      await using calls = openProviderCalls({ environment: {}, signal });
      const endless = calls.send({ ...call, url: new URL("/endless", base) });
      await assert.rejects(endless, { code: "unreachable", message: /could not read a secret at \S+: .*size/i });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test("an aborted signal ends the reading with its reason", async () => {
    const reason = new Error("canceled");
    const aborted = AbortSignal.abort(reason);
    await using calls = openProviderCalls({ environment: {}, signal: aborted });
    const source: VaultSource = {
      ...{ provider: "vault", url: providers.url, namespace: "", auth: login },
      ...{ engineName: "kv-v2", enginePath: "kv", path: "db/main", field: "password" },
    };
    await assert.rejects(readSecret(source, { calls, environment: {}, signal: aborted }), reason);
  });
});

function* endlessly(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(64 * 1024);
}

test("CRC-32C has the check value of its definition", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
});
