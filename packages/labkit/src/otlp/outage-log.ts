import type { Log } from "../logging/log.ts";

/**
 * Tells the operator about an endpoint in trouble: its first failure, the first span that was lost, and its recovery with
 * the counts of both. Everything in between is only counted (style.md §10).
 */
export interface OutageLog {
  failed(why: string): void;
  /** @param reason the `DropReason`. */
  dropped(reason: string, spans: number, why?: string): void;
  recovered(): void;
}

export function createOutageLog(log: Log): OutageLog {
  let failedRequests = 0;
  let droppedSpans = 0;

  return {
    failed(why) {
      if (failedRequests === 0) log.warn("telemetry export failed, trying again", { why });
      failedRequests++;
    },
    dropped(reason, spans, why) {
      if (droppedSpans === 0)
        log.warn("telemetry spans dropped", { reason, spans, ...(why === undefined ? {} : { why }) });
      droppedSpans += spans;
    },
    recovered() {
      if (failedRequests > 0 || droppedSpans > 0) {
        log.info("telemetry export works again", { failed_requests: failedRequests, dropped_spans: droppedSpans });
      }
      failedRequests = 0;
      droppedSpans = 0;
    },
  };
}
