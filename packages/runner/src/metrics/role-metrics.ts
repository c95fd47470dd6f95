import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { RoleEvent } from "../cache/remote/role-event.ts";

const prefix = "gitlab_runner_cache_s3_assume_role";

/** What taking on roles for caches in S3 costs. Rule: runner-protocol.md §6.11. */
export function registerRoleMetrics(registry: Registry): (event: RoleEvent) => void {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name: `${prefix}_${name}`, help, registers });
  const gauge = (name: string, help: string) => new Gauge({ name: `${prefix}_${name}`, help, registers });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `${prefix}_${name}`, help, buckets, registers });
  const inFlight = gauge("requests_in_flight", "Requests to AWS STS that are out.");
  const kept = gauge("cached_credentials", "Sessions of roles that are kept.");
  const hits = counter("cache_hits_total", "Times a kept session was good for long enough.");
  const misses = counter("cache_misses_total", "Sessions that were asked for.");
  const failures = counter("failures_total", "Sessions that AWS STS did not give.");
  const waits = histogram(
    "wait_seconds",
    "How long a request waited for its turn.",
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  );
  const durations = histogram("duration_seconds", "How long AWS STS took.", [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]);

  return (event) => {
    switch (event.kind) {
      case "found":
        hits.inc();
        return;
      case "asked":
        misses.inc();
        waits.observe(event.waitedS);
        inFlight.inc();
        return;
      case "answered":
        inFlight.dec();
        durations.observe(event.tookS);
        if (event.isFailure) failures.inc();
        return;
      case "kept":
        kept.inc(event.change);
        return;
    }
  };
}
