import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface TokenRequest {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** How the server answers where it would issue a token. */
export type TokenAnswer = "token" | "no-token" | "no-json" | "silence" | { readonly status: number };

/**
 * What issues tokens, all on one real socket: an OIDC issuer, Azure's metadata service and Entra, Google's metadata server
 * and IAM, AWS's STS and container credentials. Paths and answers are as their documents give them. A token is a JWT that
 * lives for 100 s of the clock passed in, `number` is its ordinal.
 */
export interface TokenServer extends AsyncDisposable {
  readonly url: string;
  /** Requests for a token; those that only prepare one are left out. */
  readonly tokenRequests: readonly TokenRequest[];
  answerWith(answer: TokenAnswer): void;
  /** Resolves with the next request for a token. */
  nextTokenRequest(): Promise<void>;
}

export async function startTokenServer(now: () => number): Promise<TokenServer> {
  const tokenRequests: TokenRequest[] = [];
  let answer: TokenAnswer = "token";
  const server = createServer(async (request, response) => {
    const asked = { path: request.url ?? "", headers: request.headers, body: await text(request) };
    response.setHeader("metadata-flavor", "Google");
    const preparation = prepare(asked, url);
    if (preparation !== undefined) {
      response.end(preparation);
      return;
    }
    tokenRequests.push(asked);
    server.emit("token request");
    if (answer === "token" || answer === "no-token") {
      const token = answer === "token" ? jwt({ number: tokenRequests.length, exp: now() / 1_000 + 100 }) : "";
      response.end(issue(asked.path, token, now()));
    } else if (answer !== "silence") {
      response.writeHead(answer === "no-json" ? 200 : answer.status).end("secret-answer");
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    tokenRequests,
    answerWith: (next) => {
      answer = next;
    },
    async nextTokenRequest() {
      await once(server, "token request");
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Discovery and the credentials by which tokens are asked for. */
function prepare({ path }: TokenRequest, url: string): string | undefined {
  if (path.includes("/.well-known/")) return JSON.stringify({ token_endpoint: `${url}/token` });
  if (path === "/aws-credentials")
    return JSON.stringify({
      AccessKeyId: "AKIDEXAMPLE",
      SecretAccessKey: "secret-key",
      Token: "secret-session",
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    });
  if (!path.startsWith("/computeMetadata/") || path.includes("/identity?")) return undefined;
  if (!path.includes("/token")) return "ok";
  return JSON.stringify({ access_token: "secret-access-token", expires_in: 3_600, token_type: "Bearer" });
}

function issue(path: string, token: string, nowMs: number): string {
  if (path.includes("/identity?")) return token;
  if (path.endsWith(":generateIdToken")) return JSON.stringify({ token });
  if (path === "/")
    return `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>
      <WebIdentityToken>${token}</WebIdentityToken><Expiration>${new Date(nowMs + 100_000).toISOString()}</Expiration>
      </GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`;
  // Azure's metadata service has its numbers as strings.
  const expires = path.startsWith("/metadata/") ? "100" : 100;
  return JSON.stringify({
    ...(token === "" ? {} : { access_token: token }),
    expires_in: expires,
    token_type: "Bearer",
  });
}

function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(claims)}.c2lnbmF0dXJl`;
}
