import { createFetchedTokenSource } from "./fetched-token.ts";
import { askIssuer, readTokenAnswer } from "./issuer-request.ts";
import { readSecret } from "./secret.ts";
import { type TokenSource, TokenSourceError } from "./token-source.ts";

export interface AzureIdentityDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
}

/** The metadata server of Azure's virtual machines. */
const metadataServer = "http://169.254.169.254";

/**
 * A token of the machine's managed identity, from the instance metadata service, or from the endpoint that App Service and
 * Container Apps name in `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`.
 *
 * Permissions: an identity assigned to the machine, and a role at the collector's application. To check:
 * `curl -H Metadata:true "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=<resource>"`.
 */
export function createAzureManagedIdentitySource(
  spec: { readonly resource: string; readonly clientId?: string; readonly metadataUrl?: string },
  deps: AzureIdentityDeps,
): TokenSource {
  return createFetchedTokenSource({
    description: `Azure managed identity token for ${spec.resource}`,
    now: deps.now,
    async fetchToken(signal) {
      const { IDENTITY_ENDPOINT: appEndpoint, IDENTITY_HEADER: appHeader } = deps.env;
      const isApp = appEndpoint !== undefined && appHeader !== undefined;
      const url = new URL(isApp ? appEndpoint : `${spec.metadataUrl ?? metadataServer}/metadata/identity/oauth2/token`);
      url.searchParams.set("api-version", isApp ? "2019-08-01" : "2018-02-01");
      url.searchParams.set("resource", spec.resource);
      if (spec.clientId !== undefined) url.searchParams.set("client_id", spec.clientId);
      const headers = isApp ? { "x-identity-header": appHeader } : { metadata: "true" };
      const answer = await askIssuer({ url: url.href, method: "GET", headers, signal, isMetadataServer: true });
      return readTokenAnswer(answer, "Azure's metadata server", deps.now());
    },
  });
}

/**
 * A token by workload identity: Kubernetes' projected token (`AZURE_FEDERATED_TOKEN_FILE`) exchanged at Microsoft Entra for
 * one of the application `AZURE_CLIENT_ID` in `AZURE_TENANT_ID`; the webhook of AKS sets all three.
 *
 * Permissions: a federated credential for the service account at the application. To check: `az login --service-principal
 * --federated-token "$(cat $AZURE_FEDERATED_TOKEN_FILE)" -u $AZURE_CLIENT_ID -t $AZURE_TENANT_ID`.
 */
export function createAzureWorkloadIdentitySource(
  spec: { readonly scope: string },
  deps: AzureIdentityDeps,
): TokenSource {
  return createFetchedTokenSource({
    description: `Azure workload identity token for ${spec.scope}`,
    now: deps.now,
    async fetchToken(signal) {
      const authority = (deps.env["AZURE_AUTHORITY_HOST"] ?? "https://login.microsoftonline.com").replace(/\/+$/, "");
      const [tenant, clientId, path] = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"].map(
        (name) => {
          const value = deps.env[name];
          if (!value) throw new TokenSourceError(`variable ${name} is not set`, { code: "malformed" });
          return value;
        },
      ) as [string, string, string]; // As many as the names above.
      const answer = await askIssuer({
        url: `${authority}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`,
        method: "POST",
        form: {
          grant_type: "client_credentials",
          client_id: clientId,
          scope: spec.scope,
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion: await readSecret({ kind: "file", path }, deps.env),
        },
        signal,
        env: deps.env,
      });
      return readTokenAnswer(answer, authority, deps.now());
    },
  });
}
