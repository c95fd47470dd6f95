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
  | { readonly kind: "gcp-oidc"; readonly audience: string }
  /** A token from an OIDC issuer, by the client credentials grant. */
  | ({ readonly kind: "oauth2-client-credentials" } & ClientCredentialsSpec)
  /** A token of the machine's managed identity for a resource (the collector's application id URI). */
  | { readonly kind: "azure-managed-identity"; readonly resource: string; readonly clientId?: string }
  /** A token by Azure workload identity; the scope is `<application id URI>/.default`. */
  | { readonly kind: "azure-workload-identity"; readonly scope: string };

/** A confidential client of an OIDC issuer. */
export interface ClientCredentialsSpec {
  /** URL of the OIDC issuer; its token endpoint is found by discovery. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: SecretSpec;
  readonly scope?: string;
  /** Sent as `audience`, which some issuers (Auth0, Keycloak) need to issue a token for an API. */
  readonly audience?: string;
}

/** Where a secret comes from: itself, the trimmed content of a file, or an environment variable of this process. */
export type SecretSpec =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "env"; readonly variable: string };
