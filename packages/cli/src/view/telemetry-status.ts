import type { SpooledSpans } from "@jobscope/labkit";
import { z } from "zod";
import { formatDuration } from "./format-duration.ts";
import type { Palette } from "./palette.ts";
import { type TableColumn, tableLines } from "./table.ts";

/** What a runner's `/debug/telemetry` answers, of which we show this. */
export const runnerTelemetry = z.object({
  pid: z.number(),
  now: z.number(),
  endpoints: z.array(
    z.object({
      endpoint: z.string(),
      breaker: z.enum(["closed", "open", "half-open", "unauthorized"]),
      queuedSpans: z.number(),
      queuedBytes: z.number(),
      inFlightSpans: z.number(),
      exportedSpans: z.number(),
      droppedSpans: z.record(z.string(), z.number()),
      retriedRequests: z.number(),
      spool: z.object({ bytes: z.number(), backlogSpans: z.number(), isWorking: z.boolean() }).optional(),
      lastFailure: z.object({ atMs: z.number(), why: z.string() }).optional(),
    }),
  ),
});

export type RunnerTelemetry = z.output<typeof runnerTelemetry>;

/** A spool's content with the endpoint's name. */
export type SpoolOfEndpoint = SpooledSpans & { readonly endpoint: string };

const endpointColumns: readonly TableColumn[] = [
  { title: "endpoint" },
  { title: "state" },
  { title: "queued", align: "right" },
  { title: "under way", align: "right" },
  { title: "spool", align: "right" },
  { title: "exported", align: "right" },
  { title: "retries", align: "right" },
  { title: "dropped", align: "right" },
];

/** A table of the endpoints, and below it what is not as it should be. */
export function telemetryStatusLines(
  { pid, now, endpoints }: RunnerTelemetry,
  { palette }: { readonly palette: Palette },
): string[] {
  if (endpoints.length === 0) return [`The runner (process ${pid}) has no telemetry endpoint yet.`];
  const rows = endpoints.map((one) => [
    one.endpoint,
    one.breaker,
    `${one.queuedSpans} (${formatBytes(one.queuedBytes)})`,
    String(one.inFlightSpans),
    one.spool === undefined ? "none" : formatBytes(one.spool.bytes),
    String(one.exportedSpans),
    String(one.retriedRequests),
    String(Object.values(one.droppedSpans).reduce((sum, spans) => sum + spans, 0)),
  ]);
  const notes = endpoints.flatMap((one) => {
    const dropped = Object.entries(one.droppedSpans).filter(([, spans]) => spans > 0);
    const { spool, lastFailure } = one;
    return [
      ...dropped.map(([reason, spans]) => `${one.endpoint}: ${spans} spans dropped: ${reason}`),
      ...(spool !== undefined && spool.backlogSpans > 0
        ? [`${one.endpoint}: ${spool.backlogSpans} spans on disk only`]
        : []),
      ...(spool?.isWorking === false ? [`${one.endpoint}: the disk cannot be written; spans are in memory only`] : []),
      ...(lastFailure === undefined
        ? []
        : [`${one.endpoint}: last failure ${formatAge(now - lastFailure.atMs)} ago: ${lastFailure.why}`]),
    ];
  });
  return [...tableLines(endpointColumns, rows, { palette }), ...notes.map((note) => `  ${note}`)];
}

const spoolColumns: readonly TableColumn[] = [
  { title: "endpoint" },
  { title: "process" },
  { title: "unsent", align: "right" },
  { title: "open", align: "right" },
  { title: "on disk", align: "right" },
  { title: "oldest", align: "right" },
];

/** What the spool holds, and whether somebody is there to send it. */
export function spoolStatusLines(
  spools: readonly SpoolOfEndpoint[],
  directory: string,
  { palette }: { readonly palette: Palette },
): string[] {
  if (spools.length === 0) return [`Nothing is left in ${directory}.`];
  const rows = spools.map((spool) => [
    spool.endpoint,
    spool.isInUse ? "running" : "ended",
    String(spool.unsentSpans),
    String(spool.openSpans),
    formatBytes(spool.bytes),
    formatAge(Date.now() - spool.oldestAtMs),
  ]);
  return tableLines(spoolColumns, rows, { palette });
}

function formatAge(ms: number): string {
  return formatDuration(BigInt(Math.max(0, Math.round(ms))) * 1_000_000n);
}

function formatBytes(bytes: number): string {
  return bytes < 1024
    ? `${bytes} B`
    : bytes < 1024 ** 2
      ? `${(bytes / 1024).toFixed(1)} KiB`
      : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
