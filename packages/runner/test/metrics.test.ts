import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "@jobscope/labkit";
import { countTrouble } from "../src/metrics/count-trouble.ts";
import { startMetrics } from "../src/metrics/start-metrics.ts";
import { aVariable } from "./support/job-payload.ts";
import { aScriptJob, finalUpdateOf, withManager } from "./support/with-manager.ts";

/** Source: runner-protocol.md §6.11. `process_*` are Prometheus's own. */
const names = [
  ...["version_info", "concurrent", "limit", "jobs", "jobs_total", "failed_jobs_total", "job_duration_seconds_bucket"],
  ...["job_queue_duration_seconds_bucket", "job_stage_duration_seconds_bucket", "job_execution_mode_total"],
  ...["job_queue_size", "job_queue_depth", "request_concurrency", "request_concurrency_hard_limit"],
  ...["request_concurrency_adaptive_limit", "request_concurrency_used_limit", "api_request_statuses_total"],
  ...["api_request_duration_seconds_bucket", "api_request_retries_total", "errors_total", "worker_feeds_total"],
  ...["worker_feed_failures_total", "worker_slots_number", "worker_slot_operations_total"],
  ...["worker_processing_failures_total", "configuration_loaded_total", "configuration_saved_total"],
  ...["cache_s3_assume_role_requests_in_flight", "cache_s3_assume_role_wait_seconds_bucket"],
  ...["cache_s3_assume_role_duration_seconds_bucket", "cache_s3_assume_role_cached_credentials"],
  ...["cache_s3_assume_role_cache_hits_total", "cache_s3_assume_role_cache_misses_total"],
  ...["cache_s3_assume_role_failures_total"],
  ...["configuration_loading_error_total", "configuration_saving_error_total", "process_state_info"],
];

const labels = 'runner="012345678",runner_name="test runner",system_id="s_0123456789ab"';

/** Lines that the jobs of the test must have left, after the prefix `gitlab_runner_`. */
const lines = [
  `jobs_total{${labels}} 2`,
  'failed_jobs_total{runner="012345678",runner_name="test runner",failure_reason="script_failure",mode="traditional"} 1',
  'api_request_statuses_total{runner="012345678",system_id="s_0123456789ab",endpoint="request_job",status="201",method="POST"} 3',
  `job_stage_duration_seconds_count{${labels},stage="step_script"} 1`,
  `job_stage_duration_seconds_count{${labels},stage="prepare_executor"} 1`,
  `job_queue_size{${labels}} 7`,
  `acceptable_job_queuing_duration_exceeded_total{${labels}} 1`,
  `job_queue_depth{${labels}} 3`,
  `worker_processing_failures_total{${labels},failure_type="unreadable_job"} 1`,
  'errors_total{level="warning"} 0',
  "concurrent 1",
  "worker_slots_number 1",
  'worker_slot_operations_total{operation="started"} 1',
  'process_state_info{state="running"} 1',
  'process_state_info{state="starting"} 0',
];

test("metrics count jobs, calls and reasons under the names that dashboards know", async () => {
  await using metrics = await startMetrics("127.0.0.1:0", "s_0123456789ab");
  metrics.recorder.configLoaded("loaded");
  countTrouble(silentLog, metrics.recorder).child({}).error("one");
  await withManager(
    async ({ coordinator, manager }) => {
      metrics.observe(manager);
      await finalUpdateOf(coordinator, 3);
      await coordinator.waitFor("request", () => coordinator.callsOf("request").length > 3);
      const text = await (await fetch(`${metrics.url}/metrics`)).text();
      for (const line of [...lines, 'errors_total{level="error"} 2']) {
        assert.ok(text.includes(`gitlab_runner_${line}\n`), `${line}\n\nis not in\n${text}`);
      }
      for (const name of names)
        assert.match(text, new RegExp(`^# TYPE gitlab_runner_${name.replace(/_bucket$/, "")} `, "m"));
      assert.match(text, /^process_resident_memory_bytes \d/m);
    },
    {
      prepare: (coordinator) =>
        coordinator.script(
          "request",
          aScriptJob(1, ["exit 3"], {
            job_info: { project_id: 1, queue_size: 7, queue_depth: 3, time_in_queue_seconds: 90 },
          }),
          { status: 201, body: { id: 2, token: "glcbt-2", variables: "none" } },
          aScriptJob(3, ["true"], {
            variables: [aVariable("GIT_STRATEGY", "none"), aVariable("FF_EXPORT_HIGH_CARDINALITY_METRICS", "true")],
          }),
        ),
      runner: { monitoring: { job_queuing_durations: [{ periods: ["* * * * * * *"], threshold: "1m" }] } },
      manager: { metrics: metrics.recorder, log: countTrouble(silentLog, metrics.recorder) },
    },
  );
});

test("pages for debugging tell of running jobs, of the process and where its time goes, without secrets", async () => {
  await using metrics = await startMetrics("127.0.0.1:0", "s_0123456789ab");
  const get = async (at: string) => {
    const response = await fetch(`${metrics.url}${at}`);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  assert.equal(JSON.parse((await get("/debug/process/state")).text).state, "starting");
  await withManager(
    async ({ coordinator, manager }) => {
      metrics.observe(manager);
      await coordinator.waitFor("patch", ({ body }) => body.includes("begun"));
      const list = await get("/debug/jobs/list");
      assert.equal(list.headers.get("x-list-version"), "2");
      assert.match(
        list.text,
        /^url=https:\/\/gitlab.example.com\/-\/jobs\/1 state=running stage=step_script executor_stage=run duration=\d+s id=1 /,
      );
      const { text: jobs } = await get("/metrics");
      assert.match(jobs, /^gitlab_runner_jobs\{.*,state="running",stage="step_script",executor_stage="run"\} 1$/m);
      const state = await get("/debug/process/state");
      assert.partialDeepStrictEqual(JSON.parse(state.text), { state: "running", pid: process.pid, running_jobs: 1 });
      assert.doesNotMatch(`${list.text}${state.text}`, /glrt-/);
      manager.stop();
      assert.match((await get("/metrics")).text, /process_state_info\{state="graceful-shutdown"\} 1/);
      assert.match((await get("/metrics")).text, /worker_slots_number 0/);
    },
    {
      prepare: (coordinator) => {
        const url = aVariable("CI_JOB_URL", "https://gitlab.example.com/-/jobs/1");
        const variables = [aVariable("GIT_STRATEGY", "none"), url];
        coordinator.always("update", () => ({ status: 200, headers: { "x-gitlab-trace-update-interval": "1" } }));
        coordinator.script("request", aScriptJob(1, ["echo begun", "sleep 600"], { variables }));
      },
    },
  );
  const profile = JSON.parse((await get("/debug/pprof/profile?seconds=0.01")).text);
  assert.ok(profile.nodes.length > 0);
  assert.ok(JSON.parse((await get("/debug/pprof/heap?seconds=0.01")).text).head);
  const answers = ["/debug/pprof/profile?seconds=x", "/health/ready", "/other"].map(
    async (at) => (await get(at)).status,
  );
  assert.deepEqual(await Promise.all(answers), [400, 200, 404]);
});
