import type { FailureReason } from "../../coordinator-client/failure-reason.ts";
import type { JobVariable } from "../../coordinator-client/job.ts";
import type { JobSecret, SecretSource } from "../../coordinator-client/job-secret.ts";
import { openProviderCalls } from "../../secrets/provider-calls.ts";
import { readSecret } from "../../secrets/read-secret.ts";
import { SecretError, type SecretErrorCode } from "../../secrets/secret-error.ts";
import { plainVariable } from "../../shell/variable-set.ts";
import { type JobContext, withSecretVariables } from "../job-context.ts";
import { JobFailure } from "../job-failure.ts";
import type { JobRun } from "../job-run.ts";
import type { JobLog } from "../log/job-log.ts";
import { mapTexts } from "../map-texts.ts";
import { attemptStage } from "./attempts.ts";
import { runStage, traceStage } from "./run-stage.ts";
import { stageHeadings } from "./stage-name.ts";

type SecretsRun = JobContext & Pick<JobRun, "lines">;

/**
 * `resolve_secrets`: reads the job's secrets from their providers and makes variables of them, which are masked from here
 * on. A payload without `secrets` has no such stage. The job's timeout does not run yet.
 *
 * @returns the context with the variables.
 * @throws {JobFailure} when a secret cannot be had. @throws the `JobInterruption` that ended the job.
 *
 * Rule: runner-protocol.md §1.8.10, §2.1 (phase 2), §2.2.
 */
export async function resolveSecrets(context: JobContext, log: JobLog): Promise<JobContext> {
  const { job, signal, cancelSignal } = context.options;
  const { secrets } = job;
  if (secrets === undefined) return context;
  const lines = log.openLines();
  try {
    const isOver = AbortSignal.any([signal, cancelSignal]);
    const variables = await readAllWithRetry({ ...context, lines }, secrets, isOver);
    const values = variables.map(({ value }) => value);
    log.addSecrets(values);
    context.options.jobTrace.addSecrets(values);
    return withSecretVariables(context, variables);
  } finally {
    lines.end();
  }
}

async function readAllWithRetry(
  run: SecretsRun,
  secrets: readonly JobSecret[],
  signal: AbortSignal,
): Promise<JobVariable[]> {
  const name = "resolve_secrets";
  const read = Promise.withResolvers<JobVariable[]>();
  await attemptStage(run, { attempts: run.settings.secretsRetrievalAttempts, signal }, (attempt) =>
    runStage(run, { name, heading: stageHeadings[name], signal }, () =>
      traceStage(run, { name, attempt }, async () => read.resolve(await readAll(run, secrets, signal))),
    ),
  );
  return read.promise;
}

async function readAll(run: SecretsRun, secrets: readonly JobSecret[], signal: AbortSignal): Promise<JobVariable[]> {
  const { environment } = run.options;
  await using calls = openProviderCalls({ environment, signal });
  const variables: JobVariable[] = [];
  for (const { key, isFile, source } of secrets) {
    run.lines.plain(`Resolving secret "${key}"...`);
    if (source === undefined) {
      run.lines.warning("Not resolved: no resolver that can handle the secret");
      continue;
    }
    run.lines.plain(`Using "${source.provider}" secret resolver...`);
    const value = await readOrEmpty(run, key, () => readSecret(expanded(source, run), { calls, environment, signal }));
    variables.push({ ...plainVariable(key, value), isPublic: false, isFile, isMasked: true });
  }
  return variables;
}

/** What GitLab itself keeps is taken as the payload has it. */
function expanded(source: SecretSource, { variables }: SecretsRun): SecretSource {
  return source.provider === "gitlab_secrets_manager" ? source : mapTexts(source, variables.expand);
}

/** Without `FF_SECRET_RESOLVING_FAILS_IF_MISSING` a secret that does not exist is an empty text. */
async function readOrEmpty({ flags }: SecretsRun, key: string, read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    if (error.code === "missing" && !flags.FF_SECRET_RESOLVING_FAILS_IF_MISSING) return "";
    throw new JobFailure(`resolving secrets: ${key}: ${error.message}`, {
      reason: failureReasons[error.code],
      cause: error,
    });
  }
}

/** Rule: runner-protocol.md §2.7. */
const failureReasons: Readonly<Record<SecretErrorCode, FailureReason>> = {
  missing: "runner_configuration_error",
  refused: "runner_configuration_error",
  broken: "runner_external_dependency_failure",
  unreachable: "runner_system_failure",
};
