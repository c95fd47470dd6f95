import http from "node:http";
import https from "node:https";
import type { AwsSecretsManagerSource } from "../coordinator-client/job-secret.ts";
import { shortLine } from "./provider-calls.ts";
import { SecretError } from "./secret-error.ts";

/** Other addresses than Amazon's, for tests. */
export interface AwsEndpoints {
  readonly securityTokenService: string;
  readonly secretsManager: string;
}

export interface AwsOptions {
  /** Of the runner process: its proxy variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly endpoints?: AwsEndpoints;
}

/** For everything together, as GitLab's runner has it. */
const timeoutMs = 30_000;

/**
 * A secret in AWS Secrets Manager, or a field of it, read with the credentials of the role that the job's JWT may assume;
 * without a role with those the machine has (the SDK's default chain).
 *
 * @throws {SecretError} @throws the signal's reason when it was aborted.
 *
 * Rule: runner-protocol.md §1.8.10; AWS APIs `AssumeRoleWithWebIdentity` and `GetSecretValue`.
 */
export async function readAwsSecret(source: AwsSecretsManagerSource, options: AwsOptions): Promise<string> {
  if (source.roleArn === "" && source.jwt !== "") {
    throw new SecretError("AWS Secrets Manager: a role is needed beside the job's token", { code: "refused" });
  }
  const answer = await fetchValue(source, options);
  const text = answer.SecretString ?? (answer.SecretBinary && Buffer.from(answer.SecretBinary).toString("base64"));
  if (text === undefined) {
    throw new SecretError(`secret not found: ${source.secretId} in AWS Secrets Manager has no value`, {
      code: "missing",
    });
  }
  return source.field === "" ? text : fieldOf(text, source);
}

async function fetchValue(source: AwsSecretsManagerSource, { environment, signal, endpoints }: AwsOptions) {
  // Loaded when first needed: most processes never do.
  const { GetSecretValueCommand, SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
  const agents = {
    httpAgent: new http.Agent({ proxyEnv: environment }),
    httpsAgent: new https.Agent({ proxyEnv: environment }),
  };
  const common = { ...(source.region === "" ? {} : { region: source.region }), requestHandler: agents };
  const client = new SecretsManagerClient({
    ...common,
    ...(endpoints === undefined ? {} : { endpoint: endpoints.secretsManager }),
    ...(source.roleArn === "" ? {} : { credentials: await assumedRole(source, common, endpoints) }),
  });
  try {
    const command = new GetSecretValueCommand({
      SecretId: source.secretId,
      VersionId: source.versionId || undefined,
      VersionStage: source.versionStage || undefined,
    });
    return await client.send(command, { abortSignal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
  } catch (cause) {
    signal.throwIfAborted();
    throw failureOf(cause, source);
  } finally {
    client.destroy();
    agents.httpAgent.destroy();
    agents.httpsAgent.destroy();
  }
}

async function assumedRole(
  { roleArn, roleSessionName, jwt }: AwsSecretsManagerSource,
  common: object,
  endpoints: AwsEndpoints | undefined,
) {
  const { fromWebToken } = await import("@aws-sdk/credential-provider-web-identity");
  return fromWebToken({
    roleArn,
    webIdentityToken: jwt,
    ...(roleSessionName === "" ? {} : { roleSessionName }),
    clientConfig: { ...common, ...(endpoints === undefined ? {} : { endpoint: endpoints.securityTokenService }) },
  });
}

/** Names of errors that tell of the job's configuration; of a role that may not be assumed the operator has to hear. */
const refusals: ReadonlySet<string> = new Set(["ResourceNotFoundException", "AccessDeniedException"]);

function failureOf(cause: unknown, { secretId }: AwsSecretsManagerSource): SecretError {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const fault = "$fault" in error ? error.$fault : undefined;
  const code = refusals.has(error.name) ? "refused" : fault === "server" ? "broken" : "unreachable";
  const said =
    error.name === "TimeoutError" || error.name === "AbortError" ? "no answer in time" : shortLine(error.message);
  return new SecretError(`could not read ${secretId} from AWS Secrets Manager: ${error.name}: ${said}`, {
    code,
    cause,
  });
}

/** Only what AWS's own console can show as a pair: text, number, boolean. */
function fieldOf(text: string, { field, secretId }: AwsSecretsManagerSource): string {
  const where = `the secret ${secretId} of AWS Secrets Manager`;
  const value = parseFields(text, where)[field];
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
  throw new SecretError(
    value === undefined ? `${where} has no field ${field}` : `field ${field} of ${where} is no text, number or boolean`,
    { code: "refused" },
  );
}

function parseFields(text: string, where: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // The parser's message quotes the value.
  }
  throw new SecretError(`${where} is no JSON object, so that it has no fields`, { code: "refused" });
}
