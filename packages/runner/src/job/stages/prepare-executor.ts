import { setTimeout as delay } from "node:timers/promises";
import type { ExecutorSession } from "../../executors/executor.ts";
import { JobFailure } from "../job-failure.ts";
import type { JobRun } from "../job-run.ts";
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
    traceStage(run, { name: "prepare_executor", attributes: { "ci.executor.name": executor.name } }, async () => {
      prepared.resolve(await prepareWithRetry(run, signal));
    }),
  );
  return prepared.promise;
}

async function prepareWithRetry(run: JobRun, signal: AbortSignal): Promise<ExecutorSession> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await prepare(run, signal);
    } catch (error) {
      signal.throwIfAborted();
      // An error with a reason of its own will not go away.
      if (error instanceof JobFailure || !(error instanceof Error)) throw error;
      run.lines.error(`Preparation failed: ${error.message}`);
      run.lines.info("Will be retried in 3s ...");
      await delay(preparationRetryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      if (attempt >= preparationAttempts) throw error;
    }
  }
}

async function prepare(run: JobRun, signal: AbortSignal): Promise<ExecutorSession> {
  const { dialect, options, lines } = run;
  const session = await options.executor.prepare(
    { jobId: options.job.id, shellCommand: dialect.command, preamble: dialect.preamble },
    { signal },
  );
  lines.plain(`Using Shell (${dialect.name}) executor...`);
  return session;
}
