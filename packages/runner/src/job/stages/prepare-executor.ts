import { setTimeout as delay } from "node:timers/promises";
import type { StageSpan } from "@jobscope/job-telemetry";
import { ExecutorError, type ExecutorSession } from "../../executors/executor.ts";
import { containerJobOf } from "../container-job-of.ts";
import { JobFailure } from "../job-failure.ts";
import type { JobRun } from "../job-run.ts";
import { reportPreparation } from "./report-preparation.ts";
import { runStage, traceStage } from "./run-stage.ts";

/** Rule: runner-protocol.md §2.2. */
const preparationAttempts = 3;
const preparationRetryMs = 3_000;

/** `prepare_executor`: makes the place where the job's scripts run. Rule: runner-protocol.md §2.1, §2.2. */
export async function prepareExecutor(run: JobRun, signal: AbortSignal): Promise<ExecutorSession> {
  const { executor } = run.options;
  const prepared = Promise.withResolvers<ExecutorSession>();
  const heading = `Preparing the "${executor.name}" executor`;
  await runStage(run, { name: "prepare_executor", heading, signal }, () =>
    traceStage(run, { name: "prepare_executor", attributes: { "ci.executor.name": executor.name } }, async (span) => {
      prepared.resolve(await prepareWithRetry(run, span, signal));
    }),
  );
  return prepared.promise;
}

async function prepareWithRetry(run: JobRun, span: StageSpan, signal: AbortSignal): Promise<ExecutorSession> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await prepare(run, span, signal);
    } catch (error) {
      signal.throwIfAborted();
      // An error with a reason of its own will not go away.
      if (error instanceof JobFailure || !(error instanceof Error)) throw error;
      if (error instanceof ExecutorError && error.reason !== undefined) throw error;
      run.lines.error(`Preparation failed: ${error.message}`);
      run.lines.info("Will be retried in 3s ...");
      await delay(preparationRetryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      if (attempt >= preparationAttempts) throw error;
    }
  }
}

async function prepare(run: JobRun, span: StageSpan, signal: AbortSignal): Promise<ExecutorSession> {
  const { dialect, options, lines } = run;
  const job = containerJobOf(run);
  const containers = job === undefined ? undefined : { job, report: reportPreparation(run, span) };
  const session = await options.executor.prepare(
    { jobId: options.job.id, shellCommand: dialect.command, preamble: dialect.preamble, containers },
    { signal },
  );
  if (containers === undefined) lines.plain(`Using Shell (${dialect.name}) executor...`);
  return session;
}
