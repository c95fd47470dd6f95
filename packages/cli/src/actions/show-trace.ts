import type { StoredTrace, TraceReader } from "@jobscope/collector/client";
import { CommandError } from "../command-error.ts";
import type { CommandContext } from "../context.ts";
import { formatDuration } from "../view/format-duration.ts";
import { stateSymbol } from "../view/palette.ts";
import { pipelineReport } from "../view/pipeline-report.ts";
import { pipelineView } from "../view/pipeline-view.ts";
import { viewOfStoredSpan } from "../view/stored-span.ts";
import { tableLines } from "../view/table.ts";
import { openTraceReader, type ReaderFlags } from "./open-trace-reader.ts";

/**
 * `jobscope trace`: one stored trace as a waterfall, or a list of the latest pipelines.
 *
 * @throws {CommandError} when the id is none, or nothing is stored under it.
 */
export async function showTrace(id: string | undefined, flags: ReaderFlags, context: CommandContext): Promise<void> {
  const isKnownForm = id === undefined || isTraceId(id) || isJobId(id);
  if (!isKnownForm) throw new CommandError(`"${id}" is neither a job id (a number) nor a trace id (32 hex digits)`);
  await using reader = await openTraceReader(flags, context);
  const lines = id === undefined ? await pipelineList(reader, context) : await report(id, reader, context);
  context.stdout.write(`${lines.join("\n")}\n`);
}

function isTraceId(id: string): boolean {
  return /^[0-9a-f]{32}$/i.test(id);
}

function isJobId(id: string): boolean {
  return /^[0-9]{1,19}$/.test(id);
}

async function report(id: string, reader: TraceReader, context: CommandContext): Promise<string[]> {
  const trace = isTraceId(id) ? await reader.getTrace(id.toLowerCase()) : await reader.getJobTrace(id);
  if (trace === undefined) {
    throw new CommandError(`no span of ${isTraceId(id) ? "trace" : "job"} ${id} is stored`, {
      hint: "`jobscope trace` lists what is.",
    });
  }
  const { palette } = context;
  const lines = [
    heading(trace, context),
    "",
    ...pipelineReport(pipelineView(trace.spans.map(viewOfStoredSpan)), { width: context.width(), palette }),
  ];
  return trace.truncated ? [...lines, palette.dim("The trace has more spans than are shown.")] : lines;
}

function heading({ traceId, spans }: StoredTrace, { palette }: CommandContext): string {
  const facts = ["ci.project.path", "ci.ref"].map(
    (name) => spans.find((span) => span.attributes[name])?.attributes[name],
  );
  return [palette.bold(facts.filter((fact) => fact !== undefined).join(" · ")), palette.dim(`trace ${traceId}`)]
    .join("  ")
    .trim();
}

async function pipelineList(reader: TraceReader, { palette }: CommandContext): Promise<string[]> {
  const pipelines = await reader.listPipelines({ limit: 20 });
  if (pipelines.length === 0) return ["No pipeline is stored yet: `jobscope exec` runs one."];
  const columns = [
    { title: "pipeline", align: "right" },
    { title: "" },
    { title: "project" },
    { title: "ref" },
    { title: "started" },
    { title: "took", align: "right" },
    { title: "jobs", align: "right" },
    { title: "failed", align: "right" },
    { title: "trace id" },
  ] as const;
  const rows = pipelines.map((pipeline) => [
    pipeline.pipelineId,
    stateSymbol(pipeline.state),
    pipeline.projectPath,
    pipeline.ref,
    new Date(Number(pipeline.startUnixNano / 1_000_000n)).toISOString().slice(0, 19).replace("T", " "),
    formatDuration(pipeline.durationNano),
    String(pipeline.jobs),
    String(pipeline.failedJobs),
    pipeline.traceId,
  ]);
  return tableLines(columns, rows, { palette });
}
