import type { SecretSource } from "../coordinator-client/job-secret.ts";
import type { ProviderCalls } from "./provider-calls.ts";

export interface ReadSecretOptions {
  readonly calls: ProviderCalls;
  /** Of the runner process: what providers' own variables say. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * The value of one secret. Each provider's code is loaded when a job names it.
 *
 * @throws {SecretError} @throws the signal's reason when it was aborted.
 */
export async function readSecret(source: SecretSource, options: ReadSecretOptions): Promise<string> {
  const { calls, environment, signal } = options;
  switch (source.provider) {
    case "vault":
      return (await import("./vault.ts")).readVaultSecret(source, calls);
    case "gitlab_secrets_manager":
      return (await import("./vault.ts")).readGitlabSecret(source, calls);
    case "gcp_secret_manager":
      return (await import("./gcp-secret-manager.ts")).readGcpSecret(source, calls);
    case "azure_key_vault": {
      const { readAzureSecret } = await import("./azure-key-vault.ts");
      return readAzureSecret(source, calls, environment["AZURE_AUTHORITY_HOST"] ?? "");
    }
    case "aws_secrets_manager":
      return (await import("./aws-secrets-manager.ts")).readAwsSecret(source, { environment, signal });
  }
}
