import type { EndpointStats, TelemetryEndpoint } from "./endpoint.ts";
import { createEndpointCounters } from "./endpoint-counters.ts";
import { createEndpointTotals } from "./endpoint-totals.ts";
import type { QueuedEndpoint } from "./queued-endpoint.ts";

export interface PooledEndpointDeps {
  /**
   * The endpoint that takes the place of one that the pool let go; undefined when the pool was disposed of.
   *
   * @throws {EndpointSpecError} when there is no room for it.
   */
  readonly again: (self: TelemetryEndpoint) => QueuedEndpoint | undefined;
  /** Told about a span for which there was no endpoint. */
  readonly lost: (stats: EndpointStats) => void;
}

/**
 * What callers of the pool hold. When the pool had to let an idle endpoint go, the next span of somebody who still holds it
 * makes it anew; its counters go on.
 */
export function createPooledEndpoint(endpoint: QueuedEndpoint, deps: PooledEndpointDeps): TelemetryEndpoint {
  const past = createEndpointTotals();
  let current = endpoint;

  const handle: TelemetryEndpoint = {
    name: endpoint.name,
    spanStarted: (span) => open()?.spanStarted(span),
    enqueue(span) {
      const target = open();
      if (target === undefined) lose();
      else target.enqueue(span);
    },
    flush: (options) => current.flush(options),
    stats: () => past.with([current.stats()])[0] ?? current.stats(),
  };

  /** Undefined when there is no room for an endpoint. */
  function open(): QueuedEndpoint | undefined {
    if (!current.isClosed) return current;
    try {
      const next = deps.again(handle);
      if (next === undefined) return current;
      past.add(current.stats());
      current = next;
      return current;
    } catch {
      return undefined;
    }
  }

  function lose(): void {
    const counters = createEndpointCounters();
    counters.dropped("queue_full", 1);
    const stats: EndpointStats = { ...current.stats(), ...counters.read() };
    past.add(stats);
    deps.lost(stats);
  }

  return handle;
}
