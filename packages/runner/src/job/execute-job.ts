import type { SpanAttributes } from "@jobscope/job-telemetry";
import { checkRunMode } from "./functions/check-run-mode.ts";
import { createJobContext, type JobContext } from "./job-context.ts";
import type { JobExecutionOptions } from "./job-execution.ts";
import { JobLifetime } from "./job-lifetime.ts";
import type { JobRun } from "./job-run.ts";
import type { JobVerdict } from "./job-verdict.ts";
import { createJobLog, type JobLog } from "./log/job-log.ts";
import { recordSections } from "./log/record-sections.ts";
import { printHeader, warnOfIdleFlags } from "./print-header.ts";
import { runPhases } from "./run-phases.ts";
import { resolveSecrets } from "./stages/resolve-secrets.ts";
import { isUnexpected, verdictOf, writeEnding } from "./verdict-of.ts";

/**
 * Runs one job from its payload to its verdict: all phases of runner-protocol.md §2.1, the job log included.
 *
 * What ends the job early comes through `options.signal` and `options.cancelSignal`. Never rejects: what goes wrong is
 * the verdict. When it resolves, the job log is complete and no process of the job is left.
 */
export async function executeJob(options: JobExecutionOptions): Promise<JobVerdict> {
  const sectionSpan: JobRun["sectionSpan"] = { current: undefined };
  let log = createLog(options, undefined, sectionSpan);
  let verdict: JobVerdict;
  try {
    const context = await createJobContext(options);
    log = createLog(options, context, sectionSpan);
    verdict = await execute(context, log, sectionSpan);
  } catch (error) {
    verdict = verdictOf(error);
    if (isUnexpected(error)) options.log.error("the job failed for a fault of the runner", { err: error });
  }
  // Lines of their own: the ending is not a continuation of the last section's marker.
  const lines = log.openLines();
  writeEnding(lines, verdict);
  lines.end();
  options.jobTrace.setAttributes(verdictAttributes(options));
  return verdict;
}

async function execute(asked: JobContext, log: JobLog, sectionSpan: JobRun["sectionSpan"]): Promise<JobVerdict> {
  const { job, signal, cancelSignal } = asked.options;
  printHeader(asked, log);
  warnOfIdleFlags(asked);
  checkRunMode(job);
  const context = await resolveSecrets(asked, log);
  // Opened when all that is to be masked is known.
  const lines = log.openLines();
  try {
    using lifetime = new JobLifetime({ abortSignal: signal, cancelSignal, timeoutMs: job.timeoutMs });
    if (context.problems.length > 0) lines.warning(context.problems.join("\n"));
    await runPhases({ ...context, log, lines, lifetime, sectionSpan });
    return { state: "success" };
  } finally {
    lines.end();
  }
}

/** @param context `undefined` when the job's settings could not be made sense of: then all its values are masked. */
function createLog(
  options: JobExecutionOptions,
  context: JobContext | undefined,
  sectionSpan: JobRun["sectionSpan"],
): JobLog {
  const { job } = options;
  const variables = context?.variables.entries ?? job.variables;
  return createJobLog({
    buffer: options.jobLog,
    maskRules: {
      phrases: variables.filter(({ isMasked }) => isMasked).map(({ value }) => value),
      tokenPrefixes: job.tokenMaskPrefixes,
      defaultTokenPrefixes: context?.flags.FF_MASK_ALL_DEFAULT_TOKENS === false ? "glpat-only" : "all",
    },
    hasTimestamps: context?.flags.FF_TIMESTAMPS ?? true,
    hasSections: job.acceptsLogSections,
    now: () => (performance.timeOrigin + performance.now()) * 1000,
    onStageOutput: recordSections(() => sectionSpan.current),
  });
}

function verdictAttributes({ jobLog }: JobExecutionOptions): SpanAttributes {
  return { "ci.job.log.bytes": jobLog.byteLength };
}
