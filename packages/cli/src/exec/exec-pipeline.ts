import { type FileHandle, open } from "node:fs/promises";
import type { Pipeline } from "@jobscope/coordinator";
import { createLog, spansToOtlpJson } from "@jobscope/labkit";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import type { DataDir } from "../data-dir.ts";
import type { ExitCode } from "../exit-code.ts";
import { aborted, type Interrupts } from "../interrupts.ts";
import type { CollectorProcess } from "../local-ci/collector-process.ts";
import { type LocalCi, startLocalCi } from "../local-ci/local-ci.ts";
import type { LocalRunner } from "../local-ci/local-runner.ts";
import { parseOtlpEndpoints } from "../local-ci/otlp-endpoint.ts";
import { pipelineView } from "../view/pipeline-view.ts";
import { checkNeeds } from "./check-needs.ts";
import type { ExecOptions } from "./exec-options.ts";
import { knownJobs } from "./known-jobs.ts";
import { LiveSpans } from "./live-spans.ts";
import { pipelineRequest } from "./pipeline-request.ts";
import { printBeginning, printEnd, printWarnings } from "./print-pipeline.ts";
import { createProgressView, type ProgressView } from "./progress-view.ts";
import { readStoredSpans } from "./read-stored-spans.ts";

/** The data directory is there, the collector on its way. */
export interface PreparedOptions extends Omit<ExecOptions, "dataDir"> {
  readonly dataDir: DataDir;
  /** `undefined`: the spans are not kept here. Whoever started it ends it. */
  readonly collector: Promise<CollectorProcess> | undefined;
}

/** How long a second Ctrl-C waits for killed jobs to be reported before everything is let go. */
const urgentGraceMs = 3_000;

/** Bound of the last flush: an endpoint that does not answer must not keep the user waiting (telemetry.md §4). */
const flushTimeoutMs = 5_000;

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
  const otlpEndpoints = parseOtlpEndpoints(options.otlpEndpoints, options.otlpHeaders);
  await using out = await openOutFile(options.out);
  await using resources = new AsyncDisposableStack();
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
  const ci = resources.use(
    await startLocalCi({ dataDir, listen: "127.0.0.1:0", collector, otlpEndpoints, spanProcessors: [live], log }),
  );
  cancelLeftovers(ci);
  const plan = await ci.coordinator.planPipeline(pipelineRequest(options, interrupts.polite));
  printWarnings(context, plan);
  checkNeeds(plan.jobs);
  const pipeline = ci.coordinator.startPipeline(plan);
  printBeginning(context, plan, pipeline, options);
  const runner = await ci.startRunner({ concurrent: options.concurrent, path: context.environment["PATH"] });
  const read = () => pipelineView(live.views(), knownJobs(pipeline.jobs()));
  {
    using shown = createProgressView(context, { isPlain: options.isPlain, read });
    view = shown;
    pipeline.on("job", () => shown.changed());
    await runToEnd(pipeline, runner, interrupts, shown);
  }
  view = undefined;
  await letSpansArrive(ci, runner);
  const spans = collector === undefined ? undefined : await readStoredSpans(collector, pipeline.view().traceId, note);
  await out?.writeFile(spansToOtlpJson(live.ended()));
  await printEnd(context, {
    pipeline,
    coordinator: ci.coordinator,
    shown: pipelineView(spans ?? live.views(), knownJobs(pipeline.jobs())),
    isStored: spans !== undefined,
    dataDir: dataDir.path,
  });
  const { state } = pipeline.view();
  return state === "failed" || state === "canceled" ? 1 : 0;
}

/** Pipelines of an `exec` that was killed: their jobs must not run now. */
function cancelLeftovers({ coordinator }: LocalCi): void {
  for (const pipeline of coordinator.pipelines()) pipeline.cancel({ force: true });
}

async function runToEnd(
  pipeline: Pipeline,
  runner: LocalRunner,
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
  runner.abort("interrupted");
  await Promise.race([finished, aborted(AbortSignal.timeout(urgentGraceMs))]);
}

/** Both sides have their own queues; the runner flushes its own when it is disposed of. */
async function letSpansArrive(ci: LocalCi, runner: LocalRunner): Promise<void> {
  await Promise.all([runner[Symbol.asyncDispose](), ci.flush(AbortSignal.timeout(flushTimeoutMs))]);
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
