/**
 * How to authenticate at an endpoint, as plain data: what a job payload or `config.toml` can say.
 *
 * A bearer token or secret header is refused for plain `http://` and `grpc://` beyond loopback, unless the endpoint's
 * `allowInsecureAuth` says otherwise (telemetry.md §6).
 */
export type AuthSpec =
  /** `Authorization: Bearer <token>` with a fixed token. */
  | { readonly kind: "bearer"; readonly token: string }
  /** The token is the trimmed content of a file, which is read anew when it changes (Kubernetes, SPIFFE). */
  | { readonly kind: "bearer-file"; readonly path: string }
  /** The token is the value of an environment variable of this process. */
  | { readonly kind: "bearer-env"; readonly variable: string }
  /** Secret header fields, sent as they are: `{ "x-api-key": "…" }`. */
  | { readonly kind: "headers"; readonly headers: Readonly<Record<string, string>> }
  /** A Google ID token for `audience`: GitLab's `http_bearer_gcp_oidc` (runner-protocol.md §7.1). */
  | ({ readonly kind: "gcp-oidc" } & GcpIdentitySpec)
  /** A token of the machine's AWS identity, by `sts:GetWebIdentityToken`. */
  | ({ readonly kind: "aws-web-identity" } & AwsIdentitySpec)
  /** A token from an OIDC issuer, by the client credentials grant. */
  | ({ readonly kind: "oauth2-client-credentials" } & ClientCredentialsSpec)
  /** A token of the machine's managed identity for a resource (the collector's application id URI). */
  | { readonly kind: "azure-managed-identity"; readonly resource: string; readonly clientId?: string }
  /** A token by Azure workload identity; the scope is `<application id URI>/.default`. */
  | { readonly kind: "azure-workload-identity"; readonly scope: string };

/** Whose Google ID token, for whom. */
export interface GcpIdentitySpec {
  readonly audience: string;
  /** E-mail address of the service account to impersonate. Default: the application default credentials' own identity. */
  readonly serviceAccount?: string;
}

/** What to ask AWS STS for. */
export interface AwsIdentitySpec {
  readonly audience: string;
  /** Default: the SDK's, from `AWS_REGION` or the configuration file. */
  readonly region?: string;
  /** Life of a token, 60 to 3,600 seconds. Default 300. */
  readonly durationS?: number;
  /** Default `RS256`, which every verifier knows. */
  readonly signingAlgorithm?: "RS256" | "ES384";
}

/** A confidential client of an OIDC issuer. */
export interface ClientCredentialsSpec {
  /** URL of the OIDC issuer; its token endpoint is found by discovery. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: SecretSpec;
  readonly scope?: string;
  /** Sent as `audience`, which some issuers (Auth0, Keycloak) need to issue a token for an API. */
  readonly audience?: string;
  /** Sent as `resource` (RFC 8707), which other issuers need for the same. */
  readonly resource?: string;
}

/** Where a secret comes from: itself, the trimmed content of a file, or an environment variable of this process. */
export type SecretSpec =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "env"; readonly variable: string };
