import type { AuthSpec } from "./auth-spec.ts";
import { createAwsIdentitySource } from "./aws-identity.ts";
import { createAzureManagedIdentitySource, createAzureWorkloadIdentitySource } from "./azure-identity.ts";
import { createBearerFileSource } from "./bearer-file.ts";
import { bearerHeaders } from "./bearer-headers.ts";
import { createGcpIdentitySource } from "./gcp-identity.ts";
import { createClientCredentialsSource } from "./oauth2-client-credentials.ts";
import type { TokenSource } from "./token-source.ts";

export interface TokenSourceDeps {
  /** Where `bearer-env` and the cloud identities look their variables up, and whose proxy issuers are asked through. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Makes the token source that a spec asks for. Reads nothing yet. */
export function createTokenSource(spec: AuthSpec, deps: TokenSourceDeps): TokenSource {
  switch (spec.kind) {
    case "bearer":
      return fixedSource("fixed bearer token", () => bearerHeaders(spec.token, "the configured token"));
    case "bearer-env":
      return fixedSource(`bearer token from variable ${spec.variable}`, () =>
        bearerHeaders(deps.env[spec.variable] ?? "", `variable ${spec.variable}`),
      );
    case "bearer-file":
      return createBearerFileSource(spec.path);
    case "gcp-oidc":
      return createGcpIdentitySource(spec, { ...deps, now: Date.now });
    case "aws-web-identity":
      return createAwsIdentitySource(spec, { ...deps, now: Date.now });
    case "oauth2-client-credentials":
      return createClientCredentialsSource(spec, { ...deps, now: Date.now });
    case "azure-managed-identity":
      return createAzureManagedIdentitySource(spec, { ...deps, now: Date.now });
    case "azure-workload-identity":
      return createAzureWorkloadIdentitySource(spec, { ...deps, now: Date.now });
    case "headers": {
      const headers = Object.fromEntries(
        Object.entries(spec.headers).map(([name, value]) => [name.toLowerCase(), value]),
      );
      return fixedSource("fixed header fields", () => headers);
    }
  }
}

function fixedSource(description: string, headers: () => Readonly<Record<string, string>>): TokenSource {
  return {
    description,
    async headers() {
      return headers();
    },
    invalidate: () => false,
  };
}
