import { type FileHandle, open } from "node:fs/promises";
import { CoordinatorError, type Pipeline } from "@jobscope/coordinator";
import { createLog, spansToOtlpJson } from "@jobscope/labkit";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";
import { aborted, type Interrupts } from "../interrupts.ts";
import { parseOtlpEndpoints } from "../local-ci/otlp-endpoint.ts";
import { pipelineView } from "../view/pipeline-view.ts";
import type { ViewSpan } from "../view/view-span.ts";
import type { PreparedOptions } from "./exec-options.ts";
import { knownJobs } from "./known-jobs.ts";
import { LiveSpans } from "./live-spans.ts";
import { startOwnHost } from "./own-host.ts";
import type { HostOptions, PipelineHost } from "./pipeline-host.ts";
import { pipelineRequest } from "./pipeline-request.ts";
import { printBeginning, printEnd, printWarnings } from "./print-pipeline.ts";
import { createProgressView, type ProgressView } from "./progress-view.ts";
import { readStoredSpans } from "./read-stored-spans.ts";
import { findRunningHost } from "./running-host.ts";
import { StoredSpans } from "./stored-spans.ts";

/** How long a second Ctrl-C waits for killed jobs to be reported before everything is let go. */
const urgentGraceMs = 3_000;

/** Spans of other processes come within a second (telemetry.md §4); from some runners none come. */
const completeTimeoutMs = 5_000;

/**
 * Runs one pipeline from the user's repository to its end, and shows it.
 *
 * @throws {CommandError} and the errors of the parts, when nothing could be run.
 */
export async function execPipeline(
  context: CommandContext,
  options: PreparedOptions,
  interrupts: Interrupts,
): Promise<ExitCode> {
  const { dataDir } = options;
  const otlpEndpoints = parseOtlpEndpoints(options.otlpEndpoints, options.otlpHeaders, context.environment);
  let view: ProgressView | undefined;
  const live = new LiveSpans(() => view?.changed());
  const note = (text: string): void => {
    if (view === undefined) context.stderr.write(`${text}\n`);
    else view.note(text);
  };
  const log = createLog({
    level: options.isDebug ? "debug" : "warn",
    format: "text",
    write: (line) => note(line.trimEnd()),
  });
  const collector = await options.collector;
  await using host = await openHost({
    context,
    options,
    collector,
    otlpEndpoints,
    spanProcessors: [live],
    log,
    note,
    signal: interrupts.polite,
  });
  await using out = await openOutFile(options.out);
  const plan = await host.coordinator.planPipeline(pipelineRequest(options, interrupts.polite));
  printWarnings(context, plan);
  await host.prepare(plan);
  const pipeline = await host.coordinator.startPipeline(plan);
  printBeginning(context, plan, pipeline, host);
  await host.begin();
  const { traceId } = pipeline.view();
  await using elsewhere = host.isElsewhere && collector !== undefined ? new StoredSpans(collector, traceId) : undefined;
  const read = () => pipelineView(together(elsewhere?.views() ?? [], live.views()), knownJobs(pipeline.jobs()));
  {
    using shown = createProgressView(context, { isPlain: options.isPlain, read });
    view = shown;
    pipeline.on("job", () => shown.changed());
    await runToEnd(pipeline, host, interrupts, shown);
  }
  view = undefined;
  await host.settle(pipeline.id);
  await elsewhere?.complete(AbortSignal.timeout(completeTimeoutMs));
  const spans = collector === undefined ? undefined : await readStoredSpans(collector, traceId, note);
  await out?.writeFile(spansToOtlpJson(live.ended()));
  await printEnd(context, {
    pipeline,
    coordinator: host.coordinator,
    shown: pipelineView(spans ?? live.views(), knownJobs(pipeline.jobs())),
    isStored: spans !== undefined,
    dataDir: dataDir.path,
  });
  await host.leave(pipeline.id, interrupts);
  return exitCodeOf(pipeline, interrupts);
}

/** A data directory has one coordinator at a time: where one runs already, it takes the pipeline. */
async function openHost(options: HostOptions): Promise<PipelineHost> {
  try {
    return await startOwnHost(options);
  } catch (error) {
    const isTaken = error instanceof CoordinatorError && error.code === "data-dir-in-use";
    const running = isTaken ? await findRunningHost(options) : undefined;
    if (running === undefined) throw error;
    return running;
  }
}

/** Spans of this process are newer than what the store has of them. */
function together(stored: readonly ViewSpan[], live: readonly ViewSpan[]): ViewSpan[] {
  if (stored.length === 0) return [...live];
  return [...new Map([...stored, ...live].map((span) => [span.spanId, span])).values()];
}

/** By convention, 130 is what a command ended by Ctrl-C exits with; a pipeline that had ended by then keeps its own. */
function exitCodeOf(pipeline: Pipeline, { polite }: Interrupts): ExitCode {
  const { state } = pipeline.view();
  if (state === "canceled" && polite.aborted) return 130;
  return state === "failed" || state === "canceled" ? 1 : 0;
}

async function runToEnd(
  pipeline: Pipeline,
  host: PipelineHost,
  interrupts: Interrupts,
  view: ProgressView,
): Promise<void> {
  const finished = pipeline.finished.then(() => true);
  if (await Promise.race([finished, aborted(interrupts.polite)])) return;
  view.note("Cancelling: running jobs end, and their after_script runs. Once more to stop at once.");
  pipeline.cancel();
  if (await Promise.race([finished, aborted(interrupts.urgent)])) return;
  view.note("Stopping at once.");
  pipeline.cancel({ force: true });
  host.abort("interrupted");
  await Promise.race([finished, aborted(AbortSignal.timeout(urgentGraceMs))]);
}

/** Opened before anything runs: a path that cannot be written must not cost a pipeline. */
async function openOutFile(path: string | undefined): Promise<FileHandle | undefined> {
  if (path === undefined) return undefined;
  try {
    return await open(path, "w", 0o600);
  } catch (cause) {
    throw new CommandError(`--out: ${path} cannot be written`, { cause });
  }
}
