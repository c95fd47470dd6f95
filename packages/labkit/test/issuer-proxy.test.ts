import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { AuthSpec } from "@jobscope/labkit";
import { createTokenSource } from "../src/auth/create-token-source.ts";
import { setEnvironment } from "./support/environment.ts";
import { startHttpProxy } from "./support/http-proxy.ts";

describe("the issuer of a token is asked through the environment's proxy", () => {
  const cleanUp = new AsyncDisposableStack();
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "labkit-issuer-"));
    await writeFile(join(folder, "federated"), "token");
    cleanUp.defer(() => rm(folder, { recursive: true }));
    setEnvironment(cleanUp, { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" });
  });
  after(() => cleanUp.disposeAsync());

  const cases: readonly { readonly auth: AuthSpec; readonly asked: string }[] = [
    {
      auth: {
        kind: "oauth2-client-credentials",
        issuer: "https://issuer.invalid",
        clientId: "c",
        clientSecret: { kind: "value", value: "s" },
      },
      asked: "CONNECT issuer.invalid:443",
    },
    {
      auth: { kind: "azure-workload-identity", scope: "api://c/.default" },
      asked: "CONNECT login.invalid:443",
    },
    {
      auth: { kind: "aws-web-identity", audience: "a", region: "xx-test-1" },
      asked: "CONNECT sts.xx-test-1.amazonaws.com:443",
    },
  ];
  for (const { auth, asked } of cases) {
    test(`${auth.kind}: ${asked}, unless no_proxy names it`, async () => {
      await using proxy = await startHttpProxy();
      const env = {
        https_proxy: proxy.url,
        AZURE_AUTHORITY_HOST: "https://login.invalid",
        AZURE_TENANT_ID: "t",
        AZURE_CLIENT_ID: "c",
        AZURE_FEDERATED_TOKEN_FILE: join(folder, "federated"),
      };
      const ask = async (variables: typeof env & { no_proxy?: string }) => {
        const request = { url: new URL("https://collector"), signal: AbortSignal.timeout(5_000) };
        await assert.rejects(createTokenSource(auth, { env: variables }).headers(request), {
          name: "TokenSourceError",
        });
      };
      await ask(env);
      assert.ok(proxy.asked.length > 0);
      assert.deepEqual(new Set(proxy.asked), new Set([asked]));
      const before = proxy.asked.length;
      await ask({ ...env, no_proxy: asked.replace(/^CONNECT (.*):443$/, "$1") });
      assert.equal(proxy.asked.length, before);
    });
  }

  test("but not a metadata server", async () => {
    await using proxy = await startHttpProxy();
    const env = { http_proxy: proxy.url, IDENTITY_ENDPOINT: "http://metadata.invalid/token", IDENTITY_HEADER: "h" };
    const source = createTokenSource({ kind: "azure-managed-identity", resource: "api://c" }, { env });
    const request = { url: new URL("https://collector"), signal: AbortSignal.timeout(5_000) };
    await assert.rejects(source.headers(request), { name: "TokenSourceError" });
    assert.deepEqual(proxy.asked, []);
  });
});
