import { createHash } from "node:crypto";
import type { AuthSpec } from "../../auth/auth-spec.ts";

/**
 * Names an endpoint's folder in the spool. Made of where the spans go and of the kind of authentication, without any
 * secret: after a restart with a renewed token, what was left must find its endpoint again.
 */
export function spoolKeyOf(endpointName: string, auth: AuthSpec | undefined): string {
  return createHash("sha256")
    .update(JSON.stringify([endpointName, originOf(auth)]))
    .digest("hex")
    .slice(0, 32);
}

function originOf(auth: AuthSpec | undefined): readonly string[] {
  switch (auth?.kind) {
    case undefined:
      return [];
    case "bearer":
      return [auth.kind];
    case "bearer-file":
      return [auth.kind, auth.path];
    case "bearer-env":
      return [auth.kind, auth.variable];
    case "gcp-oidc":
      return [auth.kind, auth.audience, ...(auth.serviceAccount === undefined ? [] : [auth.serviceAccount])];
    case "aws-web-identity":
      return [auth.kind, auth.audience];
    case "oauth2-client-credentials":
      return [auth.kind, auth.issuer, auth.clientId];
    case "azure-managed-identity":
      return [auth.kind, auth.resource];
    case "azure-workload-identity":
      return [auth.kind, auth.scope];
    case "headers":
      return [auth.kind, ...Object.keys(auth.headers).sort()];
  }
}
