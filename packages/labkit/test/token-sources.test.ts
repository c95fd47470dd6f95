import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { createAwsIdentitySource } from "../src/auth/aws-identity.ts";
import { createAzureManagedIdentitySource, createAzureWorkloadIdentitySource } from "../src/auth/azure-identity.ts";
import { createGcpIdentitySource } from "../src/auth/gcp-identity.ts";
import { readJwtClaims } from "../src/auth/jwt-claims.ts";
import { createClientCredentialsSource } from "../src/auth/oauth2-client-credentials.ts";
import { type TokenSource, TokenSourceError } from "../src/auth/token-source.ts";
import { setEnvironment } from "./support/environment.ts";
import { startTokenServer, type TokenAnswer, type TokenRequest, type TokenServer } from "./support/token-server.ts";

const audience = "https://collector.example.com";
let nowMs = 0;
let folder: string;
const now = () => nowMs;

/** What a source must send to get a token. */
interface Expected {
  readonly path: string | RegExp;
  readonly body: string | RegExp;
  readonly headers?: Readonly<Record<string, string | RegExp>>;
}

const sources: readonly {
  readonly name: string;
  readonly make: (url: string) => TokenSource;
  readonly sends: Expected;
  readonly source: string;
}[] = [
  {
    name: "OAuth2 client credentials",
    make: (issuer) =>
      createClientCredentialsSource(
        {
          issuer: `${issuer}/`,
          clientId: "a:b",
          clientSecret: { kind: "env", variable: "SECRET" },
          scope: "otlp",
          audience: "collector",
        },
        { env: { SECRET: "secret 3/" }, now },
      ),
    sends: {
      path: "/token",
      body: "grant_type=client_credentials&scope=otlp&audience=collector",
      headers: { authorization: `Basic ${btoa("a%3Ab:secret+3%2F")}` },
    },
    source: "RFC 6749 §2.3.1, §4.4",
  },
  {
    name: "Azure managed identity",
    make: (metadataUrl) =>
      createAzureManagedIdentitySource({ resource: audience, clientId: "me", metadataUrl }, { env: {}, now }),
    sends: {
      path: `/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(audience)}&client_id=me`,
      body: "",
      headers: { metadata: "true" },
    },
    source: "Azure: how to use managed identities on a virtual machine to acquire a token",
  },
  {
    name: "Azure managed identity in App Service",
    make: (url) =>
      createAzureManagedIdentitySource(
        { resource: audience },
        { env: { IDENTITY_ENDPOINT: `${url}/msi/oauth2/token`, IDENTITY_HEADER: "secret-proof" }, now },
      ),
    sends: {
      path: `/msi/oauth2/token?api-version=2019-08-01&resource=${encodeURIComponent(audience)}`,
      body: "",
      headers: { "x-identity-header": "secret-proof" },
    },
    source: "Azure: managed identities for App Service, REST endpoint reference",
  },
  {
    name: "Azure workload identity",
    make: (url) =>
      createAzureWorkloadIdentitySource(
        { scope: "api://collector/.default" },
        {
          env: {
            AZURE_AUTHORITY_HOST: `${url}/`,
            AZURE_TENANT_ID: "tenant",
            AZURE_CLIENT_ID: "app",
            AZURE_FEDERATED_TOKEN_FILE: join(folder, "projected"),
          },
          now,
        },
      ),
    sends: {
      path: "/tenant/oauth2/v2.0/token",
      body: /^grant_type=client_credentials&client_id=app&scope=api%3A%2F%2Fcollector%2F.default&.*client_assertion=secret-projected$/,
    },
    source: "Microsoft identity platform: client credentials with a federated credential",
  },
  {
    name: "Google's metadata server",
    make: () => createGcpIdentitySource({ audience }, { now }),
    sends: {
      path: /^\/computeMetadata\/v1\/instance\/service-accounts\/default\/identity\?.*audience=https(:\/\/|%3A%2F%2F)collector\.example\.com/,
      body: "",
      headers: { "metadata-flavor": "Google" },
    },
    source: "Compute Engine: verify the identity of instances",
  },
  {
    name: "Google impersonation",
    make: (iamUrl) =>
      createGcpIdentitySource({ audience, serviceAccount: "ci@p.iam.gserviceaccount.com" }, { now, iamUrl }),
    sends: {
      path: "/v1/projects/-/serviceAccounts/ci%40p.iam.gserviceaccount.com:generateIdToken",
      body: JSON.stringify({ audience, includeEmail: true }),
      headers: { authorization: "Bearer secret-access-token" },
    },
    source: "IAM Service Account Credentials API: projects.serviceAccounts.generateIdToken",
  },
  {
    name: "AWS web identity",
    make: () => createAwsIdentitySource({ audience }, { now }),
    sends: {
      path: "/",
      body: /Action=GetWebIdentityToken&.*Audience\.member\.1=https%3A%2F%2Fcollector\.example\.com&SigningAlgorithm=RS256&DurationSeconds=300/,
      headers: {
        authorization: /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/sts\/aws4_request/,
        "x-amz-security-token": "secret-session",
      },
    },
    source: "AWS STS API reference: GetWebIdentityToken",
  },
];

const failures: readonly { readonly name: string; readonly answer: TokenAnswer }[] = [
  { name: "refuses", answer: { status: 403 } },
  { name: "breaks down", answer: { status: 500 } },
  { name: "answers without a token", answer: "no-token" },
  { name: "answers with something else", answer: "no-json" },
];

describe("tokens that are fetched (telemetry.md §6)", () => {
  let server: TokenServer;
  const cleanUp = new AsyncDisposableStack();
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "labkit-tokens-"));
    cleanUp.defer(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "projected"), "secret-projected\n");
    server = cleanUp.use(await startTokenServer(now));
    // Where the libraries of Google and AWS look, on this machine alone.
    setEnvironment(cleanUp, {
      GCE_METADATA_HOST: new URL(server.url).host,
      METADATA_SERVER_DETECTION: "assume-present",
      GOOGLE_APPLICATION_CREDENTIALS: undefined,
      GOOGLE_CLOUD_PROJECT: "project",
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/aws-credentials`,
      AWS_REGION: "eu-central-1",
      AWS_ENDPOINT_URL_STS: server.url,
      AWS_ACCESS_KEY_ID: undefined,
      AWS_PROFILE: undefined,
    });
  });
  after(() => cleanUp.disposeAsync());
  beforeEach(() => {
    nowMs = Date.now();
    server.answerWith("token");
  });

  for (const { name, make, sends } of sources) {
    describe(name, () => {
      test("is asked for as its document says", async () => {
        await tokenNumber(make(server.url));
        assertSent(server.tokenRequests.at(-1), sends);
      });

      test("is fetched once for many callers, and again when four fifths of its life are over", async () => {
        const source = make(server.url);
        const before = server.tokenRequests.length;
        const numbers = await Promise.all(Array.from({ length: 10 }, () => tokenNumber(source)));
        assert.deepEqual(new Set(numbers), new Set([before + 1]));
        nowMs += 79_000;
        assert.equal(await tokenNumber(source), before + 1);
        nowMs += 2_000;
        assert.equal(await tokenNumber(source), before + 2);
      });

      test("is fetched anew after it was refused", async () => {
        const source = make(server.url);
        const first = await tokenNumber(source);
        assert.equal(source.invalidate(), true);
        assert.equal(await tokenNumber(source), first + 1);
      });

      for (const { name: fault, answer } of failures) {
        test(`serves until it expires while its issuer ${fault}; then callers are told`, async () => {
          const source = make(server.url);
          const first = await tokenNumber(source);
          server.answerWith(answer);
          nowMs += 90_000;
          assert.equal(await tokenNumber(source), first);
          nowMs += 11_000;
          await assert.rejects(headersOf(source), isHarmless);
          server.answerWith("token");
          nowMs += 10_000;
          assert.equal(await tokenNumber(source), server.tokenRequests.length);
        });
      }

      test("is asked for less and less often while there is none", async () => {
        const source = make(server.url);
        server.answerWith("no-token");
        for (const pauseMs of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
          const before = server.tokenRequests.length;
          await assert.rejects(headersOf(source), isHarmless);
          nowMs += pauseMs - 1;
          await assert.rejects(headersOf(source), isHarmless);
          assert.equal(server.tokenRequests.length, before + 1);
          nowMs += 1;
        }
      });

      test("is not waited for longer than its caller has time", async () => {
        server.answerWith("silence");
        const source = make(server.url);
        const caller = new AbortController();
        const asked = server.nextTokenRequest().then(() => caller.abort());
        const headers = source.headers({ url: new URL(audience), signal: caller.signal });
        await assert.rejects(headers, { name: "TokenSourceError", message: /not be had in time/ });
        await asked;
      });
    });
  }

  test("without AWS credentials or a region, the error says so", async () => {
    await using stack = new AsyncDisposableStack();
    setEnvironment(stack, { AWS_REGION: undefined, AWS_EC2_METADATA_DISABLED: "true" });
    await assert.rejects(headersOf(createAwsIdentitySource({ audience }, { now })), { message: /set AWS_REGION/ });
    setEnvironment(stack, { AWS_CONTAINER_CREDENTIALS_FULL_URI: undefined });
    const source = createAwsIdentitySource({ audience, region: "eu-central-1" }, { now });
    await assert.rejects(headersOf(source), { message: /no AWS credentials were found/ });
  });

  test("a variable that Azure's workload identity misses is named", async () => {
    const source = createAzureWorkloadIdentitySource({ scope: "s" }, { env: {}, now });
    await assert.rejects(headersOf(source), { retryable: false, message: /AZURE_TENANT_ID is not set/ });
  });

  test("a secret does not go to an issuer without TLS", async () => {
    const clientSecret = { kind: "value", value: "secret" } as const;
    const spec = { issuer: "http://issuer.example.com", clientId: "a", clientSecret };
    const source = createClientCredentialsSource(spec, { env: {}, now });
    await assert.rejects(headersOf(source), { name: "TokenSourceError", retryable: false, message: /without TLS/ });
  });
});

function headersOf(source: TokenSource): Promise<Readonly<Record<string, string>>> {
  return source.headers({ url: new URL(audience), signal: new AbortController().signal });
}

async function tokenNumber(source: TokenSource): Promise<number> {
  const { authorization = "" } = await headersOf(source);
  assert.match(authorization, /^Bearer [\w.-]+$/);
  return Number(readJwtClaims(authorization.slice("Bearer ".length))?.["number"]);
}

/** A failure that may pass, in words that hold neither a secret nor an answer. */
function isHarmless(error: Error): boolean {
  assert.ok(error instanceof TokenSourceError && error.retryable, String(error));
  assert.doesNotMatch(error.message, /secret/);
  return true;
}

function assertSent(request: TokenRequest | undefined, { path, body, headers = {} }: Expected): void {
  const check = (actual: string | undefined, expected: string | RegExp) =>
    typeof expected === "string" ? assert.equal(actual, expected) : assert.match(actual ?? "", expected);
  check(request?.path, path);
  check(request?.body, body);
  for (const [name, value] of Object.entries(headers)) check(String(request?.headers[name]), value);
}
