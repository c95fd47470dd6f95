import { z } from "zod";
import { bytes, duration } from "./fields.ts";

const text = z.string().min(1);

/** How an endpoint is reached, whoever names it. Meanings and defaults: labkit's `EndpointSpec`. */
export const transportKeys = {
  compression: z.enum(["gzip", "none"]).optional().describe("default: `gzip`, but `none` to this machine"),
  timeout: duration.default(10_000).describe("of one request"),
  proxy: z
    .string()
    .optional()
    .describe(
      "an HTTP proxy, `http://[user:password@]host:port`; empty: none. Default: `https_proxy`, `http_proxy`, `no_proxy` of the runner's environment",
    ),
  tls_ca_file: text.optional().describe("PEM file of the authorities to trust. Default: the system's"),
  tls_cert_file: text.optional().describe("PEM file of the client certificate; read again when it changes"),
  tls_key_file: text.optional().describe("its key"),
  allow_insecure_auth: z
    .boolean()
    .default(false)
    .describe("send credentials over plain `http` or `grpc` beyond this machine"),
};

/** Where tokens come from: at most one of these keys. Meanings: labkit's `AuthSpec`. */
const tokenKeys = {
  bearer_token: text.optional().describe("a fixed bearer token"),
  bearer_token_file: text
    .optional()
    .describe("a bearer token in a file, read again whenever it changes: Kubernetes, SPIFFE, a secret agent"),
  bearer_token_env: text.optional().describe("name of the environment variable that holds a bearer token"),
  gcp: z
    .object({
      audience: text.describe("of a Google ID token of this machine, or of the application default credentials"),
      service_account: text.optional().describe("e-mail address of a service account to impersonate"),
    })
    .optional(),
  aws: z
    .object({
      audience: text.describe("of a token of this machine's AWS identity (`sts:GetWebIdentityToken`)"),
      region: text.optional().describe("default: `AWS_REGION`, or the AWS configuration file"),
      duration: duration
        .refine((ms) => ms >= 60_000 && ms <= 3_600_000, { error: "expected 60s to 1h" })
        .default(300_000)
        .describe("life of a token, 60s to 1h"),
      signing_algorithm: z.enum(["RS256", "ES384"]).default("RS256").describe("of the token"),
    })
    .optional(),
  azure_managed_identity: z
    .object({
      resource: text.describe("application id URI of the collector, for a token of this machine's managed identity"),
      client_id: text.optional().describe("which identity, where the machine has several"),
    })
    .optional(),
  azure_workload_identity: z
    .object({
      scope: text.describe("`<application id URI>/.default`, for a token by workload identity (AKS)"),
    })
    .optional(),
  oauth2: z
    .object({
      issuer: text.describe("URL of an OIDC issuer, for a token by client credentials; found by discovery"),
      client_id: text.describe("the confidential client"),
      client_secret: text
        .optional()
        .describe("its secret; one of `client_secret`, `client_secret_file`, `client_secret_env`"),
      client_secret_file: text.optional().describe("the secret in a file"),
      client_secret_env: text.optional().describe("name of the environment variable that holds it"),
      scope: text.optional().describe("sent as `scope`"),
      audience: text.optional().describe("sent as `audience`: Auth0, Keycloak"),
      resource: text.optional().describe("sent as `resource` (RFC 8707)"),
    })
    .refine((table) => given(table, ["client_secret", "client_secret_file", "client_secret_env"]).length === 1, {
      error: "expected one of client_secret, client_secret_file and client_secret_env",
    })
    .optional(),
};

const tokenKeyNames = Object.keys(tokenKeys) as (keyof typeof tokenKeys)[];

/** `[[telemetry.endpoints]]`. Strings may hold `$VAR`. */
export const telemetryEndpointTable = z
  .object({
    url: text.describe(
      "`http`, `https` (OTLP/HTTP protobuf; `/v1/traces` when there is no path), `grpc`, `grpcs` (OTLP/gRPC)",
    ),
    protocol: z
      .enum(["http/protobuf", "grpc"])
      .optional()
      .describe("default: the URL's scheme says it; `grpc` makes `grpcs` of `https`"),
    headers: z
      .record(z.string(), z.string())
      .optional()
      .describe('request headers, which may be secret: `{ "x-api-key" = "$KEY" }`'),
    ...transportKeys,
    max_queued_spans: z.number().int().min(1).optional().describe("default: that of `[telemetry]`"),
    max_queued_bytes: bytes.optional().describe("likewise"),
    ...tokenKeys,
  })
  .refine((table) => given(table, tokenKeyNames).length <= 1, {
    error: `expected at most one of ${tokenKeyNames.join(", ")}`,
  })
  .refine(({ url, protocol }) => protocol !== "http/protobuf" || !/^grpcs?:/i.test(url), {
    error: 'a grpc URL and protocol = "http/protobuf" contradict each other',
    path: ["protocol"],
  })
  .refine(({ headers, ...table }) => !hasAuthorization(headers) || given(table, tokenKeyNames).length === 0, {
    error: "an authorization header and a token contradict each other",
    path: ["headers"],
  });

export type TelemetryEndpointTable = z.output<typeof telemetryEndpointTable>;

function given<Key extends string>(table: Partial<Record<Key, unknown>>, keys: readonly Key[]): Key[] {
  return keys.filter((key) => table[key] !== undefined);
}

function hasAuthorization(headers: Readonly<Record<string, string>> | undefined): boolean {
  return Object.keys(headers ?? {}).some((name) => name.toLowerCase() === "authorization");
}
