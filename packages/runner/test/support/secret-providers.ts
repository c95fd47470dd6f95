import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** Secret providers on one loopback port, each answering as its documentation says. */
export interface SecretProviders extends AsyncDisposable {
  readonly url: string;
  /** Every request, in order: `GET /v1/kv/data/db`. */
  readonly requests: readonly string[];
  /** The next answers have this status, whatever is asked. */
  failWith(...statuses: number[]): void;
}

/** What the providers hold, by the path that Vault and OpenBao know them by; other providers use the last segment. */
export type HeldSecrets = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  header(name: string): string;
  readonly body: string;
}

/** The one JWT that all of them accept. */
export const acceptedJwt = "eyJ.the-job's.jwt";

const token = "token-of-the-login";

export async function startSecretProviders(held: HeldSecrets): Promise<SecretProviders> {
  const requests: string[] = [];
  const failures: number[] = [];
  const server = createServer(async (request, response) => {
    const question = await questionOf(request);
    requests.push(`${question.method} ${question.path}`);
    const status = failures.shift();
    const answer = status === undefined ? answerTo(question, held, url) : { status, body: { errors: ["as told"] } };
    const isText = typeof answer.body === "string";
    response.writeHead(answer.status, {
      "content-type": isText ? "text/xml" : "application/json",
      connection: "close",
      ...answer.headers,
    });
    response.end(isText ? answer.body : answer.body === undefined ? "" : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    failWith: (...statuses) => void failures.push(...statuses),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function questionOf(request: IncomingMessage): Promise<Question> {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
  return {
    method: request.method ?? "",
    path: decodeURIComponent(pathname),
    query: searchParams,
    header: (name) => String(request.headers[name] ?? ""),
    body: await text(request),
  };
}

function answerTo(question: Question, held: HeldSecrets, url: string): Answer {
  const { method, path } = question;
  if (question.header("x-amz-target") !== "") return secretsManager(question, held);
  if (question.body.includes("AssumeRoleWithWebIdentity")) return assumeRole(question);
  if (path === "/v1/token") return googleToken(question);
  if (/^\/v1\/projects\//.test(path)) return googleSecret(question, held);
  if (path.endsWith("/oauth2/v2.0/token")) return entraToken(question, url);
  if (path.startsWith("/secrets/")) return keyVaultSecret(question, held, url);
  if (path === "/standby/v1/auth/jwt/login") return redirectTo(`${url}/v1/auth/jwt/login`);
  if (path.startsWith("/standby/")) return redirectTo(`${url}${path.slice("/standby".length)}`);
  if (method === "PUT" && path.startsWith("/v1/auth/")) return vaultLogin(question);
  return vaultSecret(question, held);
}

function redirectTo(location: string): Answer {
  return { status: 307, headers: { location } };
}

/** Vault: JWT/OIDC auth method. */
function vaultLogin(question: Question): Answer {
  const { jwt, role } = JSON.parse(question.body) as { jwt?: string; role?: string };
  if (role === "unknown") return { status: 400, body: { errors: [`role "unknown" could not be found`] } };
  if (question.path !== "/v1/auth/jwt/login" || jwt !== acceptedJwt) {
    return { status: 403, body: { errors: ["permission denied"] } };
  }
  return { status: 200, body: { auth: { client_token: token, lease_duration: 60 } } };
}

/** Vault: KV secrets engine 2 at `kv`, 1 at `old`; OpenBao's inline authentication. */
function vaultSecret(question: Question, held: HeldSecrets): Answer {
  const forbidden = { status: 403, body: { errors: ["permission denied"] } };
  if (question.header("x-vault-token") !== token && !isInlineLogin(question)) return forbidden;
  const [, engine, name = ""] = /^\/v1\/(kv\/data|old)\/(.*)$/.exec(question.path) ?? [];
  if (engine === undefined || name.startsWith("forbidden")) return forbidden;
  const namespace = question.header("x-vault-namespace");
  const data = held[namespace === "" ? name : `${namespace}:${name}`];
  if (data === undefined) return { status: 404, body: { errors: [] } };
  return { status: 200, body: { data: engine === "old" ? data : { data, metadata: { version: 1 } } } };
}

function isInlineLogin(question: Question): boolean {
  const parameter = (name: string) => {
    const encoded = question.header(`x-vault-inline-auth-parameter-${name}`);
    if (encoded === "" || encoded.includes("=")) return undefined;
    return JSON.parse(Buffer.from(encoded, "base64url").toString()) as { key: string; value: string };
  };
  const [jwt, role] = [parameter("jwt"), parameter("role")];
  const isRole = role?.key === "role" && role.value === "project_7";
  const isJwt = jwt?.key === "jwt" && jwt.value === acceptedJwt;
  return question.header("x-vault-inline-auth-path") === "auth/gitlab_jwt/login" && isJwt && isRole;
}

/** Google: Security Token Service, `v1.token`. */
function googleToken({ body }: Question): Answer {
  const request = JSON.parse(body) as Record<string, string>;
  const isRight =
    request["audience"] ===
      "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/gitlab" &&
    request["grantType"] === "urn:ietf:params:oauth:grant-type:token-exchange" &&
    request["subjectTokenType"] === "urn:ietf:params:oauth:token-type:id_token" &&
    request["subjectToken"] === acceptedJwt;
  if (isRight) return { status: 200, body: { access_token: token, token_type: "Bearer", expires_in: 3600 } };
  return { status: 400, body: { error: "invalid_grant", error_description: "the token is not accepted" } };
}

/** Google: Secret Manager, `projects.secrets.versions.access`. */
function googleSecret(question: Question, held: HeldSecrets): Answer {
  if (question.header("authorization") !== `Bearer ${token}`) return googleError(401, "no credentials");
  const [, name = "", version] =
    /^\/v1\/projects\/123\/secrets\/([^/]+)\/versions\/([^:]+):access$/.exec(question.path) ?? [];
  if (name === "forbidden") return googleError(403, "Permission denied on resource");
  const secret = held[name];
  if (secret === undefined || version !== "latest") return googleError(404, `Secret [${name}] not found`);
  return { status: 200, body: { payload: secret["gcp"] } };
}

function googleError(status: number, message: string): Answer {
  return { status, body: { error: { code: status, message } } };
}

/** Microsoft identity platform: client credentials with a federated credential. */
function entraToken({ path, body }: Question, url: string): Answer {
  const form = new URLSearchParams(body);
  const isRight =
    path === "/the-tenant/oauth2/v2.0/token" &&
    form.get("grant_type") === "client_credentials" &&
    form.get("client_id") === "the-client" &&
    form.get("client_assertion_type") === "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" &&
    form.get("client_assertion") === acceptedJwt &&
    form.get("scope") === `${url}/.default`;
  if (isRight) return { status: 200, body: { token_type: "Bearer", expires_in: 3599, access_token: token } };
  return { status: 401, body: { error: "invalid_client", error_description: "AADSTS700213: No matching identity" } };
}

/** Key Vault: `Get Secret`; whoever comes without a token is told where to get one. */
function keyVaultSecret(question: Question, held: HeldSecrets, url: string): Answer {
  const [, name = "", version = ""] = /^\/secrets\/([^/]+)\/(.*)$/.exec(question.path) ?? [];
  if (question.header("authorization") !== `Bearer ${token}`) {
    const resource = name === "greedy" ? "https://vault.example.com" : url;
    const challenge = `Bearer authorization="${url}/the-tenant", resource="${resource}"`;
    return { status: 401, headers: { "www-authenticate": challenge }, body: { error: { code: "Unauthorized" } } };
  }
  if (name === "forbidden")
    return { status: 403, body: { error: { code: "Forbidden", message: "no get permission" } } };
  const value = held[name]?.[version === "" ? "newest" : version];
  if (value === undefined || question.query.get("api-version") === null) {
    return { status: 404, body: { error: { code: "SecretNotFound", message: `${name} was not found` } } };
  }
  return { status: 200, body: { value, id: `${url}/secrets/${name}` } };
}

/** AWS STS, query protocol. */
function assumeRole({ body }: Question): Answer {
  const form = new URLSearchParams(body);
  if (form.get("WebIdentityToken") !== acceptedJwt || form.get("RoleArn") !== "arn:aws:iam::1:role/ci") {
    const error = "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized</Message></Error>";
    return { status: 403, body: `<ErrorResponse>${error}<RequestId>1</RequestId></ErrorResponse>` };
  }
  const credentials =
    "<AccessKeyId>ASIAJOB</AccessKeyId><SecretAccessKey>key</SecretAccessKey>" +
    "<SessionToken>session</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>";
  const result = `<AssumeRoleWithWebIdentityResult><Credentials>${credentials}</Credentials></AssumeRoleWithWebIdentityResult>`;
  return { status: 200, body: `<AssumeRoleWithWebIdentityResponse>${result}</AssumeRoleWithWebIdentityResponse>` };
}

/** AWS Secrets Manager, JSON protocol: `GetSecretValue`. */
function secretsManager(question: Question, held: HeldSecrets): Answer {
  const { SecretId: id = "", VersionStage: stage } = JSON.parse(question.body) as Record<string, string>;
  const failure = (status: number, type: string) => ({ status, body: { __type: type, message: `of ${id}` } });
  const isSigned = question.header("authorization").startsWith("AWS4-HMAC-SHA256 Credential=ASIAJOB/");
  if (!isSigned || question.header("x-amz-security-token") !== "session")
    return failure(400, "UnrecognizedClientException");
  if (question.header("x-amz-target") !== "secretsmanager.GetSecretValue")
    return failure(400, "UnknownOperationException");
  if (id === "forbidden") return failure(400, "AccessDeniedException");
  if (id === "broken") return failure(500, "InternalServiceError");
  const secret = held[id];
  if (secret === undefined) return failure(400, "ResourceNotFoundException");
  return { status: 200, body: { Name: id, ...secret, ...(stage === undefined ? {} : { VersionStages: [stage] }) } };
}
