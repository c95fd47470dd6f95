import { Gauge, type Registry } from "prom-client";
import type { ManagerStatus, RunnerStatus } from "./manager-status.ts";

/** Gauges that are read from the manager at each scrape. Rule: runner-protocol.md §6.11. */
export function registerStatusGauges(registry: Registry, status: () => ManagerStatus): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (now: ManagerStatus) => number) =>
    new Gauge({
      name: `gitlab_runner_${name}`,
      help,
      registers,
      collect() {
        this.set(read(status()));
      },
    });
  gauge("concurrent", "Jobs that may run at once.", (now) => now.concurrent);
  gauge("worker_slots_number", "Workers that ask for jobs or run them.", (now) => now.busyWorkers);

  const perRunner = (
    name: string,
    help: string,
    labelsOf: (of: RunnerStatus, now: ManagerStatus) => Record<string, string>,
    read: (of: RunnerStatus) => number,
  ) =>
    new Gauge({
      name: `gitlab_runner_${name}`,
      help,
      labelNames: ["runner", "runner_name", "system_id", "state", "stage", "executor_stage"],
      registers,
      collect() {
        this.reset();
        const now = status();
        for (const of of now.runners) this.set(labelsOf(of, now), read(of));
      },
    });
  const named = ({ runner }: RunnerStatus, { systemId }: ManagerStatus) => ({
    runner: runner.shortToken,
    runner_name: runner.name,
    system_id: systemId,
  });
  const unnamed = ({ runner }: RunnerStatus, { systemId }: ManagerStatus) => ({
    runner: runner.shortToken,
    system_id: systemId,
  });
  perRunner(
    "limit",
    "Jobs of this runner that may run at once; 0: no limit of its own.",
    named,
    ({ runner }) => runner.limit,
  );
  perRunner(
    "jobs",
    "Jobs being run.",
    (of, now) => ({ ...named(of, now), state: "running" }),
    ({ jobs }) => jobs,
  );
  perRunner("request_concurrency", "Job requests that are out.", unnamed, ({ requests }) => requests);
  perRunner(
    "request_concurrency_used_limit",
    "Job requests that may be out now.",
    unnamed,
    ({ requestLimit }) => requestLimit,
  );
  perRunner(
    "request_concurrency_adaptive_limit",
    "What the adaptive limit stands at.",
    unnamed,
    ({ requestLimit }) => requestLimit,
  );
  perRunner(
    "request_concurrency_hard_limit",
    "What the configuration allows.",
    unnamed,
    ({ runner }) => runner.requestConcurrency,
  );
}
