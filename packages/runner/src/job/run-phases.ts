import { formatGoDuration, parseGoDuration } from "../config/go-duration.ts";
import { JobFailure } from "./job-failure.ts";
import { JobInterruption } from "./job-interruption.ts";
import { registerJob } from "./job-leftovers.ts";
import type { JobRun, PreparedRun } from "./job-run.ts";
import { openWorkspace } from "./open-workspace.ts";
import { printPolicy } from "./print-header.ts";
import { archiveCache } from "./stages/archive-cache.ts";
import { cleanUp, cleanUpAborted } from "./stages/cleanup-file-variables.ts";
import { downloadArtifacts } from "./stages/download-artifacts.ts";
import { getSources } from "./stages/get-sources.ts";
import { prepareExecutor } from "./stages/prepare-executor.ts";
import { prepareScript } from "./stages/prepare-script.ts";
import { restoreCache } from "./stages/restore-cache.ts";
import { uploadArtifacts } from "./stages/upload-artifacts.ts";
import { runAfterScript, runUserScripts } from "./stages/user-scripts.ts";
import { jobStatusOf } from "./verdict-of.ts";

/**
 * The phases of runner-protocol.md §2.1 from 4 on, in order.
 *
 * @throws what ended the job: a `JobFailure`, a `JobInterruption`, or a fault of ours. Returns when it succeeded.
 */
export async function runPhases(run: JobRun): Promise<void> {
  const prepareSignal = limitedTo(run, run.options.runner.prepareTimeoutMs, "prepare timeout");
  await using leftovers = new AsyncDisposableStack();
  await using session = await prepareExecutor(run, prepareSignal);
  // What a helper reaches is not on this disk. The shell starts while the job is noted.
  if (session.runHelper === undefined) {
    await leftovers.use(registerJob(run.options.job.id, run.directories)).noted;
  }
  await using workspace = openWorkspace(run, session);
  const prepared: PreparedRun = { ...run, session, workspace };
  await using _aborted = { [Symbol.asyncDispose]: () => cleanUpAborted(prepared) };
  await prepareEnvironment(prepared, prepareSignal);
  await runPrepared(prepared);
}

/** Phases 6 to 14. What ends the job is thrown only after the stages that follow every job. */
async function runPrepared(run: PreparedRun): Promise<void> {
  const { signal } = run.lifetime;
  let failure = await failureOf(() => fetchEverything(run));
  if (isSourcesTimeout(failure)) throw failure;
  if (failure === undefined) failure = await runScripts(run);
  signal.throwIfAborted();
  const isSuccess = failure === undefined;
  const cacheFailure = await failureOf(() => archiveCache(run, isSuccess, signal));
  const artifactFailure = await failureOf(() => uploadArtifacts(run, isSuccess, signal));
  const cleanupFailure = await failureOf(() => cleanUp(run, signal));
  if (cleanupFailure !== undefined && !signal.aborted) {
    run.options.log.warn("cleaning up after the job failed", { err: cleanupFailure });
  }
  signal.throwIfAborted();
  const first = [failure, cacheFailure, artifactFailure].find((candidate) => candidate !== undefined);
  if (first !== undefined) throw first;
}

async function prepareEnvironment(run: PreparedRun, signal: AbortSignal): Promise<void> {
  try {
    await prepareScript(run, signal);
  } catch (error) {
    signal.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    throw new JobFailure(
      `prepare environment: ${message}. ` +
        "Check https://docs.gitlab.com/runner/shells/#shell-profile-loading for more information",
      { reason: "runner_system_failure", cause: error },
    );
  }
}

/** Phases 6 to 8, each only after the one before. */
async function fetchEverything(run: PreparedRun): Promise<void> {
  const { lifetime, options } = run;
  await getSources(run, limitedTo(run, options.runner.getSourcesTimeoutMs, sourcesTimeoutText));
  await restoreCache(run, lifetime.signal);
  await downloadArtifacts(run, lifetime.signal);
}

const sourcesTimeoutText = "get sources timeout";

/** Its own timeout of `get_sources` ends the job without the stages that follow every other. */
function isSourcesTimeout(failure: unknown): boolean {
  return failure instanceof JobInterruption && failure.message.startsWith(sourcesTimeoutText);
}

/** Phases 9 and 10. @returns what failed. */
async function runScripts(run: PreparedRun): Promise<unknown> {
  const { lifetime } = run;
  const scriptMs = timeoutOf(run, "RUNNER_SCRIPT_TIMEOUT");
  const afterScriptMs = timeoutOf(run, "RUNNER_AFTER_SCRIPT_TIMEOUT") ?? defaultAfterScriptMs;
  printPolicy(run, run.lines);
  let signal = lifetime.beginScripts();
  if (scriptMs !== undefined) signal = lifetime.limitedTo(scriptMs, scriptTimeoutText, signal);
  let failure = await failureOf(() => runScriptsOrFunctions(run, signal));
  // A cancel that came after the last script still counts: nothing of the job's own runs any more.
  if (signal.aborted) failure = signal.reason;
  lifetime.endScripts();
  if (lifetime.signal.aborted) return lifetime.signal.reason;
  if (failure instanceof JobInterruption && failure.by === "coordinator-cancel") {
    run.lines.warning("script canceled externally (UI, API)");
  }
  const afterScriptSignal = lifetime.limitedTo(afterScriptMs, "execution of after_script took too long");
  const afterScriptFailure = await failureOf(() => runAfterScript(run, jobStatusOf(failure), afterScriptSignal));
  if (afterScriptFailure === undefined || lifetime.signal.aborted) return failure;
  if (!run.settings.ignoresAfterScriptErrors) return failure ?? afterScriptFailure;
  const message = afterScriptFailure instanceof Error ? afterScriptFailure.message : String(afterScriptFailure);
  run.lines.warning(`after_script failed, but job will continue unaffected: ${message}`);
  return failure;
}

/** The functions engine is loaded when a job has functions. Rule: runner-protocol.md §8. */
async function runScriptsOrFunctions(run: PreparedRun, signal: AbortSignal): Promise<void> {
  const steps = run.options.job.run;
  if (steps === undefined) return runUserScripts(run, signal);
  const { runFunctions } = await import("./stages/run-functions.ts");
  await runFunctions(run, steps, signal);
}

const scriptTimeoutText = "script timeout: context deadline exceeded";

/** Rule: runner-protocol.md §2.2. */
const defaultAfterScriptMs = 5 * 60_000;

/** A limit that a job variable sets, with a warning when it cannot be used. `undefined`: none. */
function timeoutOf(run: JobRun, name: string): number | undefined {
  const text = run.variables.valueOf(name);
  if (text.trim() === "") return undefined;
  const ms = parseGoDuration(text);
  if (ms === undefined) run.lines.warning(`Ignoring malformed ${name} timeout: ${text}`);
  else if (ms < 0) run.lines.warning(`Ignoring relative ${name} timeout: ${text}`);
  else if (ms > run.lifetime.remainingMs) {
    run.lines.warning(`${name} timeout: ${text} is longer than job timeout. Setting to job timeout`);
  } else if (ms > 0) return ms;
  return undefined;
}

/** Limits above the job's own are ignored (runner-protocol.md §6.3). */
function limitedTo({ lifetime, options }: JobRun, limitMs: number | undefined, what: string): AbortSignal {
  if (limitMs === undefined || limitMs <= 0 || limitMs > options.job.timeoutMs) return lifetime.signal;
  return lifetime.limitedTo(limitMs, `${what}: exceeded timeout of ${formatGoDuration(limitMs)}`);
}

/** What was thrown; `undefined` when nothing was. */
async function failureOf(action: () => Promise<void>): Promise<unknown> {
  try {
    await action();
    return undefined;
  } catch (error) {
    return error ?? new Error("something undefined was thrown");
  }
}
