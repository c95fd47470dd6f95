import { z } from "zod";
import { part, table, text } from "./fields.ts";

/** `secrets` of a job payload in GitLab's spelling (runner-protocol.md §1.8.10). As tolerant as the rest of it. */
const engine = part({ name: text, path: text });

const vault = z.object({
  server: part({
    url: text,
    namespace: text,
    auth: part({ name: text, path: text, data: table }),
  }),
  engine,
  path: text,
  field: text,
});

const gitlabSecretsManager = z.object({
  server: part({
    url: text,
    inline_auth: part({ path: text, jwt: text, role: text, auth_mount: text }),
  }),
  engine,
  path: text,
  field: text,
});

const gcpSecretManager = z.object({
  name: text,
  version: text,
  server: part({
    project_number: text,
    workload_identity_federation_pool_id: text,
    workload_identity_federation_provider_id: text,
    jwt: text,
  }),
});

const azureKeyVault = z.object({
  name: text,
  version: text,
  server: part({ client_id: text, tenant_id: text, jwt: text, url: text }),
});

const awsSecretsManager = z.object({
  secret_id: text,
  version_id: text,
  version_stage: text,
  field: text,
  region: text,
  role_arn: text,
  role_session_name: text,
  server: part({ region: text, jwt: text, role_arn: text, role_session_name: text }),
});

const secret = z.object({
  file: z.boolean().nullish(),
  vault: vault.nullish(),
  gitlab_secrets_manager: gitlabSecretsManager.nullish(),
  gcp_secret_manager: gcpSecretManager.nullish(),
  azure_key_vault: azureKeyVault.nullish(),
  aws_secrets_manager: awsSecretsManager.nullish(),
});

export const jobSecretsSchema = z.record(z.string(), secret);

export type JobSecretsPayload = z.output<typeof jobSecretsSchema>;
