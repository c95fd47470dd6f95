import type { BreakerState, DropReason, EndpointStats, SpoolStats } from "./endpoint.ts";

/** Names of endpoints that were let go and are still told apart; what is beyond becomes `others`. */
const maxNames = 256;
const others = "others";

/** Keeps the counters of endpoints that were let go, so that no total ever goes backwards. */
export interface EndpointTotals {
  /** Takes over what an endpoint had counted. Call once, when nothing more can happen to it. */
  add(stats: EndpointStats): void;
  /** The endpoints in use and those that were, one entry for each name. */
  with(inUse: readonly EndpointStats[]): readonly EndpointStats[];
}

export function createEndpointTotals(): EndpointTotals {
  const byName = new Map<string, EndpointStats>();

  return {
    add(stats) {
      merge(byName, withoutPresent(stats));
      if (byName.size <= maxNames) return;
      for (const [name, oldest] of byName) {
        if (name === others) continue;
        byName.delete(name);
        merge(byName, { ...oldest, endpoint: others });
        return;
      }
    },
    with(inUse) {
      const all = new Map(byName);
      for (const stats of inUse) merge(all, stats);
      return [...all.values()];
    },
  };
}

/** The past counts, not the state in which it was left. */
function withoutPresent(stats: EndpointStats): EndpointStats {
  const spool = stats.spool && { ...stats.spool, bytes: 0, backlogSpans: 0, isWorking: true };
  return { ...stats, queuedSpans: 0, queuedBytes: 0, inFlightSpans: 0, spool, breaker: "closed" };
}

function merge(byName: Map<string, EndpointStats>, stats: EndpointStats): void {
  const known = byName.get(stats.endpoint);
  byName.set(stats.endpoint, known === undefined ? stats : sumOf(known, stats));
}

function sumOf(a: EndpointStats, b: EndpointStats): EndpointStats {
  return {
    endpoint: a.endpoint,
    exportedSpans: a.exportedSpans + b.exportedSpans,
    droppedSpans: Object.fromEntries(
      Object.entries(a.droppedSpans).map(([reason, spans]) => [reason, spans + b.droppedSpans[reason as DropReason]]),
    ) as Record<DropReason, number>, // The same keys as before.
    retriedRequests: a.retriedRequests + b.retriedRequests,
    queuedSpans: a.queuedSpans + b.queuedSpans,
    queuedBytes: a.queuedBytes + b.queuedBytes,
    inFlightSpans: a.inFlightSpans + b.inFlightSpans,
    spool: sumOfSpools(a.spool, b.spool),
    breaker: worseOf(a.breaker, b.breaker),
    latency: {
      boundsMs: a.latency.boundsMs,
      counts: a.latency.counts.map((count, bucket) => count + (b.latency.counts[bucket] ?? 0)),
      count: a.latency.count + b.latency.count,
      sumMs: a.latency.sumMs + b.latency.sumMs,
    },
    lastFailure: (a.lastFailure?.atMs ?? 0) > (b.lastFailure?.atMs ?? 0) ? a.lastFailure : b.lastFailure,
  };
}

function sumOfSpools(a: SpoolStats | undefined, b: SpoolStats | undefined): SpoolStats | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    bytes: a.bytes + b.bytes,
    backlogSpans: a.backlogSpans + b.backlogSpans,
    isWorking: a.isWorking && b.isWorking,
    failedWrites: a.failedWrites + b.failedWrites,
  };
}

const fromBestToWorst: readonly BreakerState[] = ["closed", "half-open", "open", "unauthorized"];

function worseOf(a: BreakerState, b: BreakerState): BreakerState {
  return fromBestToWorst.indexOf(a) > fromBestToWorst.indexOf(b) ? a : b;
}
