import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { createAzureManagedIdentitySource, createAzureWorkloadIdentitySource } from "../src/auth/azure-identity.ts";
import { createClientCredentialsSource } from "../src/auth/oauth2-client-credentials.ts";
import type { TokenSource } from "../src/auth/token-source.ts";

const never = new AbortController().signal;

describe("OAuth2 client credentials", () => {
  test("the token endpoint is discovered, the client authenticates as RFC 6749 says, and the token is sent", async () => {
    await using issuer = await startIssuer();
    const source = clientCredentials(issuer, { scope: "otlp", audience: "collector" });
    assert.deepEqual(await headersOf(source), { authorization: "Bearer token-1" });
    const [discovery, token] = issuer.requests;
    assert.equal(discovery?.path, "/.well-known/openid-configuration");
    assert.equal(token?.headers.authorization, `Basic ${btoa("a%3Ab:s+3%2Fcret")}`);
    assert.equal(token?.body, "grant_type=client_credentials&scope=otlp&audience=collector");
  });

  test("a token is fetched once for many callers, and again when four fifths of its life are over", async () => {
    await using issuer = await startIssuer();
    let nowMs = 0;
    const source = clientCredentials(issuer, {}, () => nowMs);
    await Promise.all(Array.from({ length: 10 }, () => headersOf(source)));
    assert.equal(issuer.tokensIssued(), 1);
    nowMs = 79_000;
    assert.deepEqual(await headersOf(source), { authorization: "Bearer token-1" });
    nowMs = 81_000;
    assert.deepEqual(await headersOf(source), { authorization: "Bearer token-2" });
  });

  test("while the issuer fails, the old token serves until it expires; then callers are told, and it is left alone for a while", async () => {
    await using issuer = await startIssuer();
    let nowMs = 0;
    const source = clientCredentials(issuer, {}, () => nowMs);
    await headersOf(source);
    issuer.fail(500);
    nowMs = 90_000;
    assert.deepEqual(await headersOf(source), { authorization: "Bearer token-1" });
    nowMs = 101_000;
    await assert.rejects(headersOf(source), { name: "TokenSourceError", retryable: true, message: /HTTP status 500/ });
    const asked = issuer.requests.length;
    await assert.rejects(headersOf(source), { name: "TokenSourceError" });
    assert.equal(issuer.requests.length, asked);
    issuer.fail(undefined);
    nowMs = 110_000;
    assert.deepEqual(await headersOf(source), { authorization: "Bearer token-2" });
  });

  test("a refused token is not used again", async () => {
    await using issuer = await startIssuer();
    const source = clientCredentials(issuer, {});
    await headersOf(source);
    assert.equal(source.invalidate(), true);
    assert.deepEqual(await headersOf(source), { authorization: "Bearer token-2" });
  });

  test("a secret does not go to an issuer without TLS", async () => {
    const spec = {
      issuer: "http://issuer.example.com",
      clientId: "a",
      clientSecret: { kind: "value", value: "s3cret" },
    } as const;
    const source = createClientCredentialsSource(spec, { env: {}, now: Date.now });
    await assert.rejects(headersOf(source), { name: "TokenSourceError", retryable: false, message: /without TLS/ });
  });

  test("an error never shows the secret or the answer", async () => {
    await using issuer = await startIssuer();
    issuer.fail(401);
    await assert.rejects(
      headersOf(clientCredentials(issuer, {})),
      (error: Error) => !/cret|token-/.test(error.message),
    );
  });
});

describe("Azure's identities", () => {
  test("a managed identity is asked for as the metadata service documents it", async () => {
    await using issuer = await startIssuer();
    const spec = { resource: "api://collector", clientId: "me", metadataUrl: issuer.url };
    const source = createAzureManagedIdentitySource(spec, { env: {}, now: Date.now });
    assert.deepEqual(await headersOf(source), { authorization: "Bearer token-1" });
    assert.equal(issuer.requests[0]?.headers["metadata"], "true");
    assert.equal(
      issuer.requests[0]?.path,
      "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api%3A%2F%2Fcollector&client_id=me",
    );
  });

  test("in App Service the endpoint of the environment is asked", async () => {
    await using issuer = await startIssuer();
    const env = { IDENTITY_ENDPOINT: `${issuer.url}/msi/oauth2/token`, IDENTITY_HEADER: "proof" };
    const source = createAzureManagedIdentitySource({ resource: "r" }, { env, now: Date.now });
    assert.deepEqual(await headersOf(source), { authorization: "Bearer token-1" });
    assert.equal(issuer.requests[0]?.headers["x-identity-header"], "proof");
  });

  test("workload identity exchanges the projected token", async () => {
    const folder = await mkdtemp(join(tmpdir(), "labkit-azure-"));
    await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
    await writeFile(join(folder, "token"), "projected\n");
    await using issuer = await startIssuer();
    const env = {
      AZURE_AUTHORITY_HOST: `${issuer.url}/`,
      AZURE_TENANT_ID: "tenant",
      AZURE_CLIENT_ID: "app",
      AZURE_FEDERATED_TOKEN_FILE: join(folder, "token"),
    };
    const source = createAzureWorkloadIdentitySource({ scope: "api://collector/.default" }, { env, now: Date.now });
    assert.deepEqual(await headersOf(source), { authorization: "Bearer token-1" });
    assert.equal(issuer.requests[0]?.path, "/tenant/oauth2/v2.0/token");
    assert.match(issuer.requests[0]?.body ?? "", /client_id=app.*client_assertion=projected$/);
  });

  test("a variable that is missing is named", async () => {
    const source = createAzureWorkloadIdentitySource({ scope: "s" }, { env: {}, now: Date.now });
    await assert.rejects(headersOf(source), { retryable: false, message: /AZURE_TENANT_ID is not set/ });
  });
});

describe("Google's identity tokens", () => {
  test("the metadata server is asked once for an audience, whoever calls", async () => {
    await using issuer = await startIssuer();
    const fixture = new URL("./support/gcp-process.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--conditions=jobscope-source", fixture, "https://collector.example.com"], {
      // An environment without anything of this machine's: no credentials of somebody who runs the tests.
      env: { GCE_METADATA_HOST: new URL(issuer.url).host, METADATA_SERVER_DETECTION: "assume-present", HOME: tmpdir() },
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 20_000,
    });
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    assert.equal(code, 0);
    const lines = output.trim().split("\n");
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? "", /^Bearer eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
    assert.equal(lines[0], lines[1]);
    const asked = issuer.requests.filter(({ path }) => path.includes("/identity?"));
    assert.equal(asked.length, 1);
    assert.match(
      asked[0]?.path ?? "",
      /audience=https:\/\/collector\.example\.com|audience=https%3A%2F%2Fcollector\.example\.com/,
    );
    assert.equal(asked[0]?.headers["metadata-flavor"], "Google");
  });
});

function headersOf(source: TokenSource): Promise<Readonly<Record<string, string>>> {
  return source.headers({ url: new URL("https://collector.example.com"), signal: never });
}

function clientCredentials(issuer: Issuer, more: { scope?: string; audience?: string }, now = Date.now): TokenSource {
  const clientSecret = { kind: "env", variable: "SECRET" } as const;
  return createClientCredentialsSource(
    { issuer: `${issuer.url}/`, clientId: "a:b", clientSecret, ...more },
    { env: { SECRET: "s 3/cret" }, now },
  );
}

interface Issuer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly { path: string; headers: IncomingMessage["headers"]; body: string }[];
  tokensIssued(): number;
  /** Answers with that status from now on. */
  fail(status: number | undefined): void;
}

/** Answers discovery, token requests (tokens of 100 s) and Google's identity requests, as their documents give them. */
async function startIssuer(): Promise<Issuer> {
  const requests: Issuer["requests"][number][] = [];
  let issued = 0;
  let failure: number | undefined;
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    requests.push({ path, headers: request.headers, body: await text(request) });
    response.setHeader("metadata-flavor", "Google");
    if (failure !== undefined) response.writeHead(failure).end("token-secret");
    else if (path.includes("/.well-known/")) response.end(JSON.stringify({ token_endpoint: `${url}/token` }));
    else if (path.startsWith("/computeMetadata/")) response.end(googleIdentityToken());
    else response.end(JSON.stringify({ access_token: `token-${++issued}`, expires_in: "100", token_type: "Bearer" }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    tokensIssued: () => issued,
    fail: (status) => {
      failure = status;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function googleIdentityToken(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part({ exp: Math.floor(Date.now() / 1_000) + 3_600 })}.${part({})}`;
}
