import type { SecretDefinition } from "../../pipeline/config/job-definition.ts";

type Lookup = (name: string) => string | undefined;

/**
 * `secrets` of a payload: what the configuration says of each, and where variables say that its provider is
 * (runner-protocol.md §1.8.10; GitLab's documentation of each provider has the variables' names).
 *
 * @param idTokens names of the job's ID tokens: the only one is shown where `token:` names none.
 */
export function wireSecrets(
  secrets: Readonly<Record<string, SecretDefinition>>,
  idTokens: readonly string[],
  lookup: Lookup,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, { provider, reference, file, token }]) => {
      const jwt = token ?? (idTokens.length === 1 ? `\${${idTokens[0]}}` : "");
      return [name, { [provider]: { ...reference, server: serverOf(provider, jwt, lookup) }, file }];
    }),
  );
}

function serverOf(provider: SecretDefinition["provider"], jwt: string, lookup: Lookup): Record<string, unknown> {
  switch (provider) {
    case "vault": {
      const data = withValues({ jwt, role: lookup("VAULT_AUTH_ROLE") });
      const auth = { name: "jwt", path: lookup("VAULT_AUTH_PATH") || "jwt", data };
      return withValues({ url: lookup("VAULT_SERVER_URL"), namespace: lookup("VAULT_NAMESPACE"), auth });
    }
    case "gcp_secret_manager":
      return withValues({
        project_number: lookup("GCP_PROJECT_NUMBER"),
        workload_identity_federation_pool_id: lookup("GCP_WORKLOAD_IDENTITY_FEDERATION_POOL_ID"),
        workload_identity_federation_provider_id: lookup("GCP_WORKLOAD_IDENTITY_FEDERATION_PROVIDER_ID"),
        jwt,
      });
    case "azure_key_vault": {
      const [client_id, tenant_id] = [lookup("AZURE_CLIENT_ID"), lookup("AZURE_TENANT_ID")];
      return withValues({ client_id, tenant_id, url: lookup("AZURE_KEY_VAULT_SERVER_URL"), jwt });
    }
    case "aws_secrets_manager": {
      const [role_arn, role_session_name] = [lookup("AWS_ROLE_ARN"), lookup("AWS_ROLE_SESSION_NAME")];
      return withValues({ region: lookup("AWS_REGION"), role_arn, role_session_name, jwt });
    }
    case "gitlab_secrets_manager":
      return {};
  }
}

function withValues(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ""));
}
