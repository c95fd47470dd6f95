import type { JobSecret, SecretPlace, SecretSource } from "./job-secret.ts";
import type { JobSecretsPayload } from "./wire/job-secrets.ts";

type WireSecret = JobSecretsPayload[string];
type WireProvider<Name extends keyof WireSecret> = NonNullable<WireSecret[Name]>;

/** Translates `secrets` of a job payload. Rule: runner-protocol.md §1.8.10. */
export function readSecrets(wire: JobSecretsPayload): JobSecret[] {
  return Object.entries(wire).map(([key, secret]) => ({
    key,
    isFile: secret.file ?? true,
    source: readSource(secret),
  }));
}

function readSource(wire: WireSecret): SecretSource | undefined {
  if (wire.vault != null) return readVault(wire.vault);
  if (wire.gitlab_secrets_manager != null) return readGitlabSecretsManager(wire.gitlab_secrets_manager);
  if (wire.gcp_secret_manager != null) return readGcp(wire.gcp_secret_manager);
  if (wire.azure_key_vault != null) return readAzure(wire.azure_key_vault);
  if (wire.aws_secrets_manager != null) return readAws(wire.aws_secrets_manager);
  return undefined;
}

function readVault(wire: WireProvider<"vault">): SecretSource {
  const { url, namespace, auth } = wire.server;
  return { provider: "vault", url, namespace, auth, ...placeOf(wire) };
}

function readGitlabSecretsManager(wire: WireProvider<"gitlab_secrets_manager">): SecretSource {
  const { path: authPath, auth_mount: authMount, role, jwt } = wire.server.inline_auth;
  return { provider: "gitlab_secrets_manager", url: wire.server.url, authPath, authMount, role, jwt, ...placeOf(wire) };
}

function placeOf({ engine, path, field }: Pick<WireProvider<"vault">, "engine" | "path" | "field">): SecretPlace {
  return { engineName: engine.name, enginePath: engine.path, path, field };
}

function readGcp({ name, version, server }: WireProvider<"gcp_secret_manager">): SecretSource {
  return {
    provider: "gcp_secret_manager",
    name,
    version,
    projectNumber: server.project_number,
    poolId: server.workload_identity_federation_pool_id,
    providerId: server.workload_identity_federation_provider_id,
    jwt: server.jwt,
  };
}

function readAzure({ name, version, server }: WireProvider<"azure_key_vault">): SecretSource {
  const { url, client_id: clientId, tenant_id: tenantId, jwt } = server;
  return { provider: "azure_key_vault", name, version, url, clientId, tenantId, jwt };
}

/** What the secret itself says wins over its server's. */
function readAws({ server, ...secret }: WireProvider<"aws_secrets_manager">): SecretSource {
  return {
    provider: "aws_secrets_manager",
    secretId: secret.secret_id,
    versionId: secret.version_id,
    versionStage: secret.version_stage,
    field: secret.field,
    region: secret.region || server.region,
    roleArn: secret.role_arn || server.role_arn,
    roleSessionName: secret.role_session_name || server.role_session_name,
    jwt: server.jwt,
  };
}
