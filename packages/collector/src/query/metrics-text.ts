import type { RefusalCounts } from "../auth/gate.ts";
import type { CollectorStats } from "../collector-stats.ts";

/** Counters and gauges in Prometheus' text format, version 0.0.4. */
export function metricsText(stats: CollectorStats): string {
  const metrics: [name: string, type: "counter" | "gauge", help: string, value: number][] = [
    ["jobscope_collector_received_spans_total", "counter", "Spans received over OTLP.", stats.receivedSpans],
    ["jobscope_collector_stored_spans_total", "counter", "Spans stored.", stats.storedSpans],
    [
      "jobscope_collector_repeated_spans_total",
      "counter",
      "Spans delivered before, not stored again.",
      stats.repeatedSpans,
    ],
    ["jobscope_collector_rejected_spans_total", "counter", "Spans with an invalid id.", stats.rejectedSpans],
    [
      "jobscope_collector_refused_requests_total",
      "counter",
      "Requests turned away, too much pending.",
      stats.refusedRequests,
    ],
    [
      "jobscope_collector_failed_requests_total",
      "counter",
      "Requests malformed or not taken by the store.",
      stats.failedRequests,
    ],
    ["jobscope_collector_pending_bytes", "gauge", "Bytes held for requests not yet answered.", stats.pendingBytes],
  ];
  const lines = metrics.map(([name, type, help, value]) => `${heading(name, type, help)}${name} ${value}\n`);
  return [...lines, refusals("senders", stats.refusedSenders), refusals("readers", stats.refusedReaders)].join("");
}

/** One line for each reason. */
function refusals(whom: "senders" | "readers", counts: Readonly<RefusalCounts>): string {
  const name = `jobscope_collector_refused_${whom}_total`;
  const lines = Object.entries(counts).map(([reason, count]) => `${name}{reason="${reason}"} ${count}\n`);
  return `${heading(name, "counter", `Requests of ${whom} turned away, by reason.`)}${lines.join("")}`;
}

function heading(name: string, type: "counter" | "gauge", help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}
