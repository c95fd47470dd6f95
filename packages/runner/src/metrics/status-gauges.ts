import { Counter, Gauge, type Registry } from "prom-client";
import { type ManagerStatus, managerStates, type RunnerStatus, type RunningJob } from "./manager-status.ts";

/** What is read from the manager at each scrape. Rule: runner-protocol.md §6.11. */
export function registerStatusGauges(registry: Registry, status: () => ManagerStatus): void {
  registerProcess(registry, status);
  registerRunners(registry, status);
  registerJobs(registry, status);
}

function registerProcess(registry: Registry, status: () => ManagerStatus): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (now: ManagerStatus) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(status()));
      },
    });
  gauge("gitlab_runner_concurrent", "Jobs that may run at once.", (now) => now.concurrent);
  gauge(
    "gitlab_runner_worker_slots_number",
    "Workers there are.",
    ({ workerSlots }) => workerSlots.started - workerSlots.stopped,
  );
  gauge("jobscope_busy_workers", "Workers that ask for jobs or run them.", (now) => now.busyWorkers);
  new Counter({
    name: "gitlab_runner_worker_slot_operations_total",
    help: "Workers that came to be and ceased to be.",
    labelNames: ["operation"],
    registers,
    collect() {
      this.reset();
      const { started, stopped } = status().workerSlots;
      this.inc({ operation: "started" }, started);
      this.inc({ operation: "stopped" }, stopped);
    },
  });
  new Gauge({
    name: "gitlab_runner_process_state_info",
    help: "1 for the state the process is in.",
    labelNames: ["state"],
    registers,
    collect() {
      for (const state of managerStates) this.set({ state }, status().state === state ? 1 : 0);
    },
  });
}

function registerRunners(registry: Registry, status: () => ManagerStatus): void {
  const gauge = (name: string, help: string, labelNames: readonly string[], read: (of: RunnerStatus) => number) =>
    new Gauge({
      name: `gitlab_runner_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        const { runners, systemId } = status();
        for (const of of runners) {
          const all = { runner: of.runner.shortToken, runner_name: of.runner.name, system_id: systemId };
          this.set(pick(all, labelNames), read(of));
        }
      },
    });
  const named = ["runner", "runner_name", "system_id"];
  const unnamed = ["runner", "system_id"];
  gauge(
    "limit",
    "Jobs of this runner that may run at once; 0: no limit of its own.",
    named,
    ({ runner }) => runner.limit,
  );
  gauge("request_concurrency", "Job requests that are out.", unnamed, ({ requests }) => requests);
  gauge("request_concurrency_used_limit", "Job requests that may be out now.", unnamed, (of) => of.requestLimit);
  gauge("request_concurrency_adaptive_limit", "What the adaptive limit stands at.", unnamed, (of) => of.requestLimit);
  gauge(
    "request_concurrency_hard_limit",
    "What the configuration allows.",
    unnamed,
    ({ runner }) => runner.requestConcurrency,
  );
}

/** Jobs by the stage they are in, and a 0 for each runner that has none, so that its series goes on. */
function registerJobs(registry: Registry, status: () => ManagerStatus): void {
  new Gauge({
    name: "gitlab_runner_jobs",
    help: "Jobs being run.",
    labelNames: ["runner", "runner_name", "system_id", "state", "stage", "executor_stage"],
    registers: [registry],
    collect() {
      this.reset();
      const { runners, jobs, systemId } = status();
      const state = "running";
      for (const { runner } of runners) {
        if (jobs.some(({ runnerShortToken }) => runnerShortToken === runner.shortToken)) continue;
        this.set({ runner: runner.shortToken, runner_name: runner.name, system_id: systemId, state }, 0);
      }
      for (const job of jobs) {
        const of = { runner: job.runnerShortToken, runner_name: job.runnerName, system_id: systemId };
        this.inc({ ...of, state, stage: job.stage, executor_stage: executorStageOf(job) });
      }
    },
  });
}

/** GitLab's words for where an executor stands with a job; see also `/debug/jobs/list`. */
export function executorStageOf({ stage }: Pick<RunningJob, "stage">): "created" | "prepare" | "run" {
  if (stage === "") return "created";
  return stage === "prepare_executor" ? "prepare" : "run";
}

function pick(labels: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, labels[name] ?? ""]));
}
