import type { DropReason, EndpointStats, LatencyHistogram } from "./endpoint.ts";

/** Upper bounds of the latency buckets, in milliseconds; what is above the last is counted in one more. */
const latencyBoundsMs: readonly number[] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/** What an endpoint counts about itself. */
export interface EndpointCounters {
  exported(spans: number): void;
  dropped(reason: DropReason, spans: number): void;
  retried(): void;
  answered(latencyMs: number): void;
  failed(why: string): void;
  read(): Pick<EndpointStats, "exportedSpans" | "droppedSpans" | "retriedRequests" | "latency" | "lastFailure">;
}

export function createEndpointCounters(): EndpointCounters {
  let exportedSpans = 0;
  let retriedRequests = 0;
  let lastFailure: EndpointStats["lastFailure"];
  const latencyCounts = Array.from({ length: latencyBoundsMs.length + 1 }, () => 0);
  let latencySumMs = 0;
  const droppedSpans: Record<DropReason, number> = {
    queue_full: 0,
    refused: 0,
    unauthorized: 0,
    partial_success: 0,
    expired: 0,
    unencodable: 0,
    shutdown: 0,
    spool_full: 0,
    spool_damaged: 0,
  };

  return {
    exported(spans) {
      exportedSpans += spans;
    },
    dropped(reason, spans) {
      droppedSpans[reason] += spans;
    },
    retried() {
      retriedRequests++;
    },
    answered(latencyMs) {
      const bound = latencyBoundsMs.findIndex((boundMs) => latencyMs <= boundMs);
      const bucket = bound === -1 ? latencyBoundsMs.length : bound;
      latencyCounts[bucket] = (latencyCounts[bucket] ?? 0) + 1;
      latencySumMs += latencyMs;
    },
    failed(why) {
      lastFailure = { atMs: Date.now(), why };
    },
    read: () => ({
      exportedSpans,
      droppedSpans: { ...droppedSpans },
      retriedRequests,
      latency: readLatency(latencyCounts, latencySumMs),
      lastFailure,
    }),
  };
}

function readLatency(counts: readonly number[], sumMs: number): LatencyHistogram {
  return {
    boundsMs: latencyBoundsMs,
    counts: [...counts],
    count: counts.reduce((sum, count) => sum + count, 0),
    sumMs,
  };
}
