import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { CoordinatorOperation } from "../coordinator-client/coordinator-error.ts";
import type { Job } from "../coordinator-client/job.ts";
import { runnerRevision, runnerVersion } from "../runner-version.ts";
import type { ManagerStatus } from "./manager-status.ts";
import { registerRoleMetrics } from "./role-metrics.ts";
import type { MeteredRunner, RunnerMetrics } from "./runner-metrics.ts";
import { registerStatusGauges } from "./status-gauges.ts";
import { registerTelemetryMetrics } from "./telemetry-metrics.ts";

export interface PrometheusMetrics extends RunnerMetrics {
  /** All metrics as Prometheus text. */
  readonly registry: Registry;
}

const prefix = "gitlab_runner";

/** `endpoint` labels of GitLab's dashboards. */
const endpointNames: Readonly<Record<CoordinatorOperation, string>> = {
  "register runner": "register_runner",
  "verify runner": "verify_runner",
  "unregister runner": "unregister_runner",
  "unregister runner manager": "unregister_runner_manager",
  "reset runner token": "reset_token",
  "request job": "request_job",
  "update job": "update_job",
  "patch job log": "patch_trace",
  "upload artifact": "upload_artifact",
  "download artifact": "download_artifact",
};

/**
 * Metrics under the names that dashboards for GitLab's runner use, and ours (`jobscope_telemetry_*`).
 *
 * Rule: runner-protocol.md §6.11, telemetry.md §4 "Observable".
 */
export function createPrometheusMetrics(status: () => ManagerStatus, systemId: string): PrometheusMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  registerVersion(registry);
  registerStatusGauges(registry, status);
  registerTelemetryMetrics(registry, status);
  const roleHappened = registerRoleMetrics(registry);

  const counter = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Counter({ name: `${prefix}_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: readonly string[], buckets: number[]) =>
    new Histogram({ name: `${prefix}_${name}`, help, labelNames, buckets, registers });

  const perRunner = ["runner", "runner_name", "system_id"];
  const jobs = counter("jobs_total", "Jobs that were run.", perRunner);
  const failures = counter("failed_jobs_total", "Jobs that failed, by reason.", [
    "runner",
    "runner_name",
    "failure_reason",
    "mode",
  ]);
  const modes = counter("job_execution_mode_total", "Jobs by the way they run.", ["mode", "executor"]);
  const durations = histogram(
    "job_duration_seconds",
    "From acknowledgement to final update.",
    [...perRunner, "mode"],
    [30, 60, 300, 600, 1800, 3600, 7200, 10800, 18000, 36000],
  );
  const queueTimes = histogram(
    "job_queue_duration_seconds",
    "How long jobs waited for a runner.",
    [...perRunner, "project_jobs_running"],
    [1, 3, 10, 30, 60, 120, 300, 900, 1800, 3600],
  );
  const waitedTooLong = counter(
    "acceptable_job_queuing_duration_exceeded_total",
    "Jobs that waited longer than [runners.monitoring] says is acceptable.",
    perRunner,
  );
  const stageTimes = histogram(
    "job_stage_duration_seconds",
    "How long build stages took; of jobs with FF_EXPORT_HIGH_CARDINALITY_METRICS only.",
    [...perRunner, "stage"],
    [1, 3, 10, 30, 60, 120, 300, 900, 1800, 3600],
  );
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `${prefix}_${name}`, help, labelNames: perRunner, registers });
  const queueSize = gauge("job_queue_size", "Jobs that waited when the last one was handed out.");
  const queueDepth = gauge("job_queue_depth", "How far down the queue the last job stood.");
  const apiLabels = ["runner", "system_id", "endpoint"];
  const statuses = counter("api_request_statuses_total", "Answers of the coordinator.", [
    ...apiLabels,
    "status",
    "method",
  ]);
  const apiTimes = histogram(
    "api_request_duration_seconds",
    "Durations of calls to the coordinator.",
    [...apiLabels, "status_class", "method"],
    [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600],
  );
  const retries = counter("api_request_retries_total", "Attempts, the first one included.", ["path", "method"]);
  const feeds = counter("worker_feeds_total", "Times a runner was offered to the workers.", perRunner);
  const feedFailures = counter("worker_feed_failures_total", "Times an offered runner had no room.", perRunner);
  const unhealthy = counter(
    "worker_health_check_failures_total",
    "Times an unhealthy runner was passed over.",
    perRunner,
  );
  const broken = counter("worker_processing_failures_total", "Jobs that could not be processed.", [
    "failure_type",
    ...perRunner,
  ]);
  const requestsExceeded = counter(
    "request_concurrency_exceeded_total",
    "Times a runner did not ask for a job because enough requests were out.",
    ["runner", "system_id"],
  );
  const errors = counter("errors_total", "Lines of the runner log that tell of trouble.", ["level"]);
  for (const level of ["warning", "error"]) errors.inc({ level }, 0);
  const saved = counter("configuration_saved_total", "Times the configuration was written.");
  const saveErrors = counter("configuration_saving_error_total", "Times the configuration could not be written.");
  const loaded = counter("configuration_loaded_total", "Times the configuration was read.");
  const loadErrors = counter("configuration_loading_error_total", "Times the configuration could not be used.");

  const label = ({ shortToken, name }: MeteredRunner) => ({
    runner: shortToken,
    runner_name: name,
    system_id: systemId,
  });
  const api = ({ shortToken }: MeteredRunner) => ({ runner: shortToken, system_id: systemId });

  return {
    registry,
    apiAttempted(runner, { operation, method, status, durationMs }) {
      const endpoint = endpointNames[operation];
      statuses.inc({ ...api(runner), endpoint, status, method });
      const statusClass = status === 0 ? "none" : `${Math.floor(status / 100)}xx`;
      apiTimes.observe({ ...api(runner), endpoint, status_class: statusClass, method }, durationMs / 1000);
      retries.inc({ path: endpoint, method });
    },
    runnerOffered: (runner) => feeds.inc(label(runner)),
    offerDeclined(runner, why) {
      (why === "unhealthy" ? unhealthy : feedFailures).inc(label(runner));
      if (why === "request-concurrency") requestsExceeded.inc(api(runner));
    },
    jobReceived(runner, job) {
      jobs.inc(label(runner));
      modes.inc({ mode: executionMode(job), executor: runner.executor });
      if (job.queue.size !== undefined) queueSize.set(label(runner), job.queue.size);
      if (job.queue.depth !== undefined) queueDepth.set(label(runner), job.queue.depth);
      if (runner.queuingLimits.areExceeded(job, new Date())) waitedTooLong.inc(label(runner));
      if (job.queuedDurationS === undefined) return;
      queueTimes.observe({ ...label(runner), project_jobs_running: job.projectJobsRunning }, job.queuedDurationS);
    },
    jobEnded(runner, job, failureReason, durationS) {
      const mode = executionMode(job);
      durations.observe({ ...label(runner), mode }, durationS);
      if (failureReason === undefined) return;
      const { runner: shortToken, runner_name } = label(runner);
      failures.inc({ runner: shortToken, runner_name, failure_reason: failureReason, mode });
    },
    jobStageEnded: (runner, stage, durationS) => stageTimes.observe({ ...label(runner), stage }, durationS),
    processingFailed: (runner, failureType) => broken.inc({ ...label(runner), failure_type: failureType }),
    configLoaded: (outcome) => (outcome === "loaded" ? loaded : loadErrors).inc(),
    configSaved: (outcome) => (outcome === "saved" ? saved : saveErrors).inc(),
    troubleLogged: (level) => errors.inc({ level }),
    roleHappened,
  };
}

function executionMode(job: Job): "steps" | "traditional" {
  return job.run === undefined ? "traditional" : "steps";
}

function registerVersion(registry: Registry): void {
  const labels = {
    name: "jobscope",
    version: runnerVersion,
    revision: runnerRevision,
    branch: "main",
    built_at: "",
    go_version: "",
    node_version: process.versions.node,
    os: process.platform,
    architecture: process.arch,
  };
  new Gauge({
    name: `${prefix}_version_info`,
    help: "Which runner this is.",
    labelNames: Object.keys(labels),
    registers: [registry],
  }).set(labels, 1);
}
