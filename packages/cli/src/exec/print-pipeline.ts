import type { Pipeline, PipelinePlan } from "@jobscope/coordinator";
import type { CommandContext } from "../context.ts";
import { formatDuration } from "../view/format-duration.ts";
import { stateSymbol } from "../view/palette.ts";
import { jobCounts, logTailLines, pipelineReport } from "../view/pipeline-report.ts";
import { hasFailed, type JobViewState, type PipelineView } from "../view/pipeline-view.ts";
import { logTail } from "./log-tail.ts";
import type { PipelineHost, PipelineTaker } from "./pipeline-host.ts";

/** Lines of a failed job's log that are shown, and how much of its end is read for them. */
const tailLines = 12;
const tailBytes = 16 * 1024;

/** What the plan leaves out or does differently. */
export function printWarnings({ stderr, errorPalette }: CommandContext, plan: PipelinePlan): void {
  for (const warning of plan.warnings) stderr.write(`${errorPalette.state("warning", "warning:")} ${warning}\n`);
}

/** What is going to run. */
export function printBeginning(
  { stdout, palette }: CommandContext,
  plan: PipelinePlan,
  pipeline: Pipeline,
  { runners }: Pick<PipelineHost, "runners">,
): void {
  const count = plan.jobs.length === 1 ? "1 job" : `${plan.jobs.length} jobs`;
  const changes = plan.hasUncommittedChanges ? " with uncommitted changes" : "";
  const facts = [`${plan.ref} ${plan.sha.slice(0, 8)}${changes}`, count, runners];
  stdout.write(`${palette.bold(plan.name ?? pipeline.view().projectPath)}  ${palette.dim(facts.join(" · "))}\n`);
}

/** What a pipeline would run: `--list`. */
export function printPlan({ stdout, palette }: CommandContext, plan: PipelinePlan): void {
  const byStage = Map.groupBy(plan.jobs, (job) => job.pipelineStage);
  for (const stage of plan.pipelineStages.filter((stage) => byStage.has(stage))) {
    stdout.write(`${palette.bold(stage)}\n`);
    for (const job of byStage.get(stage) ?? []) {
      const facts = [
        ...(job.when === "on_success" ? [] : [job.when]),
        ...(job.allowFailure ? ["may fail"] : []),
        ...(job.image === undefined ? [] : [`image ${job.image}`]),
        ...(job.needs === undefined || job.needs.length === 0 ? [] : [`needs ${job.needs.join(", ")}`]),
      ];
      stdout.write(`  ${job.name}${facts.length === 0 ? "" : `  ${palette.dim(facts.join(" · "))}`}\n`);
    }
  }
  if (plan.excludedJobs.length > 0) stdout.write(palette.dim(`left out by rules: ${plan.excludedJobs.join(", ")}\n`));
}

export interface FinishedPipeline {
  readonly pipeline: Pipeline;
  readonly coordinator: PipelineTaker;
  readonly shown: PipelineView;
  readonly isStored: boolean;
  readonly dataDir: string;
}

/** How it went: every job's tree, where the time went, the end of failed jobs' logs, and the verdict last. */
export async function printEnd(context: CommandContext, finished: FinishedPipeline): Promise<void> {
  const { palette, stdout } = context;
  const look = { width: context.width(), palette };
  const lines = [...pipelineReport(finished.shown, look), ""];
  for (const job of finished.shown.jobs.filter(({ state }) => hasFailed(state))) {
    lines.push(...logTailLines(job.name, await tailOf(finished.coordinator, job.jobId), look), "");
  }
  lines.push(verdictLine(finished, context));
  if (finished.isStored)
    lines.push(
      palette.dim(`  See it again: jobscope trace ${finished.pipeline.view().traceId}${dataFlag(finished, context)}`),
    );
  stdout.write(`${lines.join("\n")}\n`);
}

async function tailOf(coordinator: PipelineTaker, jobId: number): Promise<string[]> {
  const log = await coordinator.readJobLog(jobId);
  return logTail(log.subarray(-tailBytes), tailLines);
}

function verdictLine({ pipeline, shown }: FinishedPipeline, { palette }: CommandContext): string {
  const { id, state } = pipeline.view();
  const [symbol, word] = verdicts[state] ?? (["running", state] as const);
  const took = formatDuration((shown.endUnixNano ?? 0n) - (shown.startUnixNano ?? 0n));
  const verdict = palette.state(symbol, `${stateSymbol(symbol)} pipeline ${id} ${word}`);
  return `${palette.bold(verdict)} after ${took}  ${jobCounts(shown, palette)}`;
}

const verdicts: Readonly<Record<string, readonly [JobViewState, string]>> = {
  success: ["success", "passed"],
  failed: ["failed", "failed"],
  canceled: ["canceled", "was cancelled"],
  skipped: ["skipped", "had nothing to do"],
  manual: ["manual", "waits for a manual job"],
};

function dataFlag({ dataDir }: FinishedPipeline, { defaultDataDir }: CommandContext): string {
  return dataDir === defaultDataDir ? "" : ` --data ${dataDir}`;
}
