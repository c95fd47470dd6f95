import type { EndpointStats, SpoolStats } from "@jobscope/labkit";
import { Gauge, type Registry } from "prom-client";
import type { ManagerStatus } from "./manager-status.ts";

const breakerStates = ["closed", "open", "half-open", "unauthorized"] as const;

interface Sample {
  readonly labels: Record<string, string>;
  readonly value: number;
}

/**
 * What became of the spans, by endpoint. Rule: telemetry.md §4 "Observable".
 *
 * Counters live in the endpoints; they are shown through gauges since prom-client's counters cannot be set. Their names
 * end in `_total` all the same, and they only grow.
 */
export function registerTelemetryMetrics(registry: Registry, status: () => ManagerStatus): void {
  const metric = (
    name: string,
    help: string,
    labelNames: readonly string[],
    samplesOf: (stats: EndpointStats) => readonly Sample[],
  ) =>
    new Gauge({
      name: `jobscope_telemetry_${name}`,
      help,
      labelNames: ["endpoint", ...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        for (const stats of status().telemetry) {
          for (const { labels, value } of samplesOf(stats)) this.set({ endpoint: stats.endpoint, ...labels }, value);
        }
      },
    });
  const plain = (read: (stats: EndpointStats) => number) => (stats: EndpointStats) => [
    { labels: {}, value: read(stats) },
  ];

  metric(
    "exported_spans_total",
    "Spans the endpoint accepted.",
    [],
    plain((stats) => stats.exportedSpans),
  );
  metric(
    "retried_requests_total",
    "Requests sent again.",
    [],
    plain((stats) => stats.retriedRequests),
  );
  metric(
    "queued_spans",
    "Spans waiting.",
    [],
    plain((stats) => stats.queuedSpans),
  );
  metric(
    "queued_bytes",
    "Estimated bytes waiting.",
    [],
    plain((stats) => stats.queuedBytes),
  );
  metric(
    "in_flight_spans",
    "Spans in requests under way.",
    [],
    plain((stats) => stats.inFlightSpans),
  );
  const ofSpool = (read: (spool: SpoolStats) => number) => (stats: EndpointStats) =>
    stats.spool === undefined ? [] : [{ labels: {}, value: read(stats.spool) }];
  metric(
    "spool_bytes",
    "Bytes on disk.",
    [],
    ofSpool(({ bytes }) => bytes),
  );
  metric(
    "spool_backlog_spans",
    "Spans on disk alone.",
    [],
    ofSpool(({ backlogSpans }) => backlogSpans),
  );
  metric(
    "spool_failed_writes_total",
    "Writes that the disk refused.",
    [],
    ofSpool(({ failedWrites }) => failedWrites),
  );
  metric("dropped_spans_total", "Spans given up, by reason.", ["reason"], (stats) =>
    Object.entries(stats.droppedSpans).map(([reason, value]) => ({ labels: { reason }, value })),
  );
  metric("breaker_state", "1 for the state the endpoint is in.", ["state"], (stats) =>
    breakerStates.map((state) => ({ labels: { state }, value: stats.breaker === state ? 1 : 0 })),
  );
  metric("export_duration_seconds_bucket", "Requests answered within `le` seconds.", ["le"], latencyBuckets);
  metric(
    "export_duration_seconds_count",
    "Requests answered.",
    [],
    plain((stats) => stats.latency.count),
  );
  metric(
    "export_duration_seconds_sum",
    "Time they took.",
    [],
    plain((stats) => stats.latency.sumMs / 1000),
  );
}

/** The endpoint counts each request in one bucket; Prometheus wants each bucket to hold those below it too. */
function latencyBuckets({ latency }: EndpointStats): Sample[] {
  let below = 0;
  return latency.counts.map((count, index) => {
    below += count;
    const boundMs = latency.boundsMs[index];
    return { labels: { le: boundMs === undefined ? "+Inf" : String(boundMs / 1000) }, value: below };
  });
}
