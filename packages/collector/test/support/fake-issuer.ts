import { once } from "node:events";
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

/** What a test says about a token; everything else is as the rule wants it. */
export interface TokenFacts {
  readonly issuer?: string;
  readonly audience?: string | string[];
  readonly subject?: string;
  /** Seconds from now; null for none. */
  readonly expiresIn?: number | null;
  /** Seconds from now. */
  readonly notBeforeIn?: number;
  readonly claims?: JWTPayload;
}

/** An OpenID Connect issuer on loopback: discovery, keys, and tokens signed by the newest of them. */
export interface FakeIssuer extends AsyncDisposable {
  readonly url: string;
  /** How often its keys were asked for. */
  readonly keysAsked: number;
  /** Signs with a new key from now on, and publishes that one alone. */
  rotate(): Promise<void>;
  /** Answers 503 to everything, or no longer. */
  setAway(isAway: boolean): void;
  token(facts?: TokenFacts): Promise<string>;
}

export const audience = "spans";

export async function startFakeIssuer({ claimsToBe }: { claimsToBe?: string } = {}): Promise<FakeIssuer> {
  let key = await newKey(1);
  let keysAsked = 0;
  let isAway = false;
  const server = createServer((request, response) => {
    const documents: Record<string, unknown> = {
      "/.well-known/openid-configuration": { issuer: claimsToBe ?? url, jwks_uri: `${url}/keys` },
      "/keys": { keys: [key.published] },
    };
    if (request.url === "/keys") keysAsked += 1;
    const document = documents[request.url ?? ""];
    const status = document === undefined ? 404 : 200;
    response.writeHead(isAway ? 503 : status, { "Content-Type": "application/json" }).end(JSON.stringify(document));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  const url = `http://127.0.0.1:${typeof bound === "object" ? bound?.port : ""}`;

  return {
    url,
    get keysAsked() {
      return keysAsked;
    },
    async rotate() {
      key = await newKey(Number(key.published.kid) + 1);
    },
    setAway(away) {
      isAway = away;
    },
    async token(facts = {}) {
      const now = Math.floor(Date.now() / 1000);
      const signed = new SignJWT(facts.claims ?? {})
        .setProtectedHeader({ alg: "ES256", kid: key.published.kid })
        .setIssuer(facts.issuer ?? url)
        .setAudience(facts.audience ?? audience)
        .setSubject(facts.subject ?? "runner-1");
      if (facts.expiresIn !== null) signed.setExpirationTime(now + (facts.expiresIn ?? 300));
      if (facts.notBeforeIn !== undefined) signed.setNotBefore(now + facts.notBeforeIn);
      return await signed.sign(key.secret);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function newKey(number: number) {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  return { secret: privateKey, published: { ...(await exportJWK(publicKey)), kid: String(number), alg: "ES256" } };
}
