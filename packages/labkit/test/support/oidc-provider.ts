import { createPublicKey, generateKeyPairSync, type JsonWebKey, verify } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";

/** A real OIDC issuer, on loopback. */
export interface OidcProvider extends AsyncDisposable {
  readonly url: string;
  /** Whether one of its published keys signed the token. */
  verifies(token: string): Promise<boolean>;
}

/**
 * `oidc-provider` with one client, `runner` with the secret `s3cret+/`, that may ask for tokens by its credentials.
 *
 * @param options `audience`: of every token.
 */
export async function startOidcProvider({ audience }: { audience: string }): Promise<OidcProvider> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const provider = new Provider(url, {
    clients: [
      {
        client_id: "runner",
        client_secret: "s3cret+/",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig" }] },
    ttl: { ClientCredentials: 600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: "otlp", audience, accessTokenFormat: "jwt" }),
      },
    },
  });
  server.on("request", provider.callback());
  return {
    url,
    async verifies(token) {
      const { keys } = (await (await fetch(`${url}/jwks`)).json()) as { keys: JsonWebKey[] };
      const [head, claims, signature = ""] = token.split(".");
      const key = createPublicKey({ key: keys[0] ?? {}, format: "jwk" });
      return verify("RSA-SHA256", Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, "base64url"));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
