/** A secret that a provider outside GitLab keeps and that becomes a variable. Rule: runner-protocol.md §1.8.10. */
export interface JobSecret {
  /** Name of the variable. */
  readonly key: string;
  /** The value goes to a file and the variable holds its path. Neutral: true. */
  readonly isFile: boolean;
  /** `undefined` when the payload names no provider that is known. */
  readonly source: SecretSource | undefined;
}

/** Where a secret is kept. Texts are not expanded yet. */
export type SecretSource =
  | VaultSource
  | GitlabSecretsManagerSource
  | GcpSecretManagerSource
  | AzureKeyVaultSource
  | AwsSecretsManagerSource;

/** A secrets engine of Vault or OpenBao, and what to read of it. */
export interface SecretPlace {
  /** `kv-v2`, `kv-v1` or `generic`. */
  readonly engineName: string;
  /** Where the engine is mounted. */
  readonly enginePath: string;
  readonly path: string;
  readonly field: string;
}

export interface VaultSource extends SecretPlace {
  readonly provider: "vault";
  readonly url: string;
  /** Empty: none. */
  readonly namespace: string;
  readonly auth: {
    /** `jwt` */
    readonly name: string;
    readonly path: string;
    /** `jwt` and `role`. */
    readonly data: Readonly<Record<string, unknown>>;
  };
}

/** An OpenBao that belongs to GitLab; each call brings its own authentication. */
export interface GitlabSecretsManagerSource extends SecretPlace {
  readonly provider: "gitlab_secrets_manager";
  readonly url: string;
  /** Of the login; empty: `auth/<authMount>/login`. */
  readonly authPath: string;
  readonly authMount: string;
  readonly role: string;
  readonly jwt: string;
}

export interface GcpSecretManagerSource {
  readonly provider: "gcp_secret_manager";
  readonly name: string;
  readonly version: string;
  readonly projectNumber: string;
  readonly poolId: string;
  readonly providerId: string;
  readonly jwt: string;
}

export interface AzureKeyVaultSource {
  readonly provider: "azure_key_vault";
  readonly name: string;
  /** Empty: the newest. */
  readonly version: string;
  readonly url: string;
  readonly clientId: string;
  readonly tenantId: string;
  readonly jwt: string;
}

export interface AwsSecretsManagerSource {
  readonly provider: "aws_secrets_manager";
  readonly secretId: string;
  /** Empty: not asked for. */
  readonly versionId: string;
  readonly versionStage: string;
  /** Of a JSON object; empty: the whole value. */
  readonly field: string;
  readonly region: string;
  /** Empty: the identity of the machine is used. */
  readonly roleArn: string;
  readonly roleSessionName: string;
  readonly jwt: string;
}
