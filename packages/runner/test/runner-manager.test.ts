import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { createLog } from "@jobscope/labkit";
import { noMetrics } from "../src/metrics/runner-metrics.ts";
import { aVariable } from "./support/job-payload.ts";
import { aScriptJob, finalUpdateOf, logOf, withManager } from "./support/with-manager.ts";

test("a job is acknowledged, run and reported with its log", () =>
  withManager(
    async ({ coordinator }) => {
      const final = await finalUpdateOf(coordinator, 1);
      assert.equal(final["state"], "success");
      assert.match(logOf(coordinator, 1), /hello from the job/);
      assert.match(logOf(coordinator, 1), /Job succeeded/);
      const kinds = coordinator.calls.map(({ method }) => method).slice(0, 4);
      assert.deepEqual(kinds.slice(0, 2), ["POST", "PUT"]);
      assert.equal(coordinator.callsOf("update")[0]?.json?.["state"], "running");
    },
    { prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ["echo hello from the job"])) },
  ));

test("a job is acknowledged before anything of it is prepared", async () => {
  const released = Promise.withResolvers<void>();
  await withManager(
    async ({ coordinator, directory, manager }) => {
      await coordinator.waitFor("update");
      assert.deepEqual(await readdir(directory), []);
      assert.deepEqual(manager.runningJobs, []);
      released.resolve();
      assert.equal((await finalUpdateOf(coordinator, 1))["state"], "success");
    },
    {
      prepare: (coordinator) => {
        coordinator.script("request", aScriptJob(1, ["true"]));
        coordinator.script("update", { status: 200, after: released.promise });
      },
    },
  );
});

test("no token is in the runner log, whatever the coordinator answers", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "debug", write: (line) => lines.push(line) });
  await withManager(
    async ({ coordinator }) => {
      for (const id of [1, 2]) await finalUpdateOf(coordinator, id);
      await coordinator.waitFor("request", () => coordinator.callsOf("request").length > 5);
    },
    {
      manager: { log },
      prepare: (coordinator) => {
        const echo = { message: "no job glcbt-1 for glrt-0123456789" };
        const broken = { status: 201, body: { id: 9, token: "glcbt-9-secret", variables: "glcbt-9-secret" } };
        coordinator.script("request", { status: 400, body: echo }, { status: 403, body: echo }, { misbehave: "reset" });
        coordinator.script("request", broken, aScriptJob(1, ["exit 3"]), aScriptJob(2, ["echo glcbt-2"]));
        coordinator.script("patch", { status: 400, body: echo }, { status: 409, body: echo });
      },
    },
  );
  assert.ok(lines.length > 5);
  assert.doesNotMatch(lines.join(""), /glrt-0|glcbt-[0-9]/);
});

test("a job request whose connection broke is made again at the entry's next turn", async () => {
  const arrivedAtMs: number[] = [];
  await withManager(
    async ({ coordinator }) => {
      await coordinator.waitFor("request", () => arrivedAtMs.length > 1);
      const [first, second] = arrivedAtMs;
      assert.ok(Number(second) - Number(first) > 900, "not at once: check_interval is a second");
    },
    {
      prepare: (coordinator) =>
        coordinator.always("request", () => {
          arrivedAtMs.push(performance.now());
          return { misbehave: "reset" };
        }),
    },
  );
});

test("a failed script's exit code and reason are reported", () =>
  withManager(
    async ({ coordinator }) => {
      const final = await finalUpdateOf(coordinator, 1);
      assert.deepEqual([final["state"], final["failure_reason"], final["exit_code"]], ["failed", "script_failure", 3]);
    },
    { prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ["exit 3"])) },
  ));

test("a full queue is drained without waiting for the check interval", () =>
  withManager(
    async ({ coordinator }) => {
      for (let id = 1; id <= 5; id += 1) assert.equal((await finalUpdateOf(coordinator, id))["state"], "success");
    },
    {
      config: { check_interval: 3600 },
      prepare: (coordinator) => coordinator.script("request", ...[1, 2, 3, 4, 5].map((id) => aScriptJob(id, ["true"]))),
    },
  ));

test("concurrent jobs of one project get numbers of their own and no more run than allowed", () =>
  withManager(
    async ({ coordinator, manager }) => {
      for (let id = 1; id <= 4; id += 1) await finalUpdateOf(coordinator, id);
      const numbers = [1, 2, 3, 4].map((id) => /number=(\d+)/.exec(logOf(coordinator, id))?.[1]);
      assert.deepEqual(new Set(numbers), new Set(["0", "1"]));
      assert.ok(manager.runningJobs.length <= 2);
    },
    {
      config: { concurrent: 2 },
      prepare: (coordinator) =>
        coordinator.script(
          "request",
          ...[1, 2, 3, 4].map((id) => aScriptJob(id, ['echo "number=$CI_CONCURRENT_PROJECT_ID"; sleep 0.2'])),
        ),
    },
  ));

test("a job that the coordinator took back before it began is dropped without a word", () =>
  withManager(
    async ({ coordinator }) => {
      await finalUpdateOf(coordinator, 2);
      assert.equal(coordinator.calls.filter(({ path }) => path.includes("/jobs/1")).length, 1);
    },
    {
      prepare: (coordinator) => {
        coordinator.script("request", aScriptJob(1, ["true"]), aScriptJob(2, ["true"]));
        coordinator.script("update", { status: 403 });
      },
    },
  ));

test("a job that is canceled as it is picked up ends as canceled, without running", () =>
  withManager(
    async ({ coordinator }) => {
      const final = await finalUpdateOf(coordinator, 1);
      assert.deepEqual([final["state"], final["failure_reason"]], ["failed", "job_canceled"]);
      assert.equal(logOf(coordinator, 1), "");
    },
    {
      prepare: (coordinator) => {
        coordinator.script("request", aScriptJob(1, ["echo never"]));
        coordinator.script("update", { status: 200, headers: { "job-status": "canceling" } });
      },
    },
  ));

test("canceling stops the script and still runs after_script", () =>
  withManager(
    async ({ coordinator }) => {
      await coordinator.waitFor("patch", ({ body }) => body.includes("started"));
      const final = await finalUpdateOf(coordinator, 1);
      assert.deepEqual([final["state"], final["failure_reason"]], ["failed", "job_canceled"]);
      assert.match(logOf(coordinator, 1), /status=canceled/);
    },
    {
      prepare: (coordinator) => {
        coordinator.script(
          "request",
          aScriptJob(1, [], {
            steps: [
              { name: "script", script: ["echo started", "sleep 300"] },
              { name: "after_script", script: ['echo "status=$CI_JOB_STATUS"'] },
            ],
          }),
        );
        coordinator.always("patch", ({ body }) => ({
          status: 202,
          headers: { "job-status": body.includes("started") ? "canceling" : "running" },
        }));
        coordinator.script("update", { status: 200, headers: { "x-gitlab-trace-update-interval": "1" } });
      },
    },
  ));

test("an aborted job dies at once and is not reported as anything else", () =>
  withManager(
    async ({ coordinator }) => {
      await finalUpdateOf(coordinator, 2);
      assert.match(logOf(coordinator, 1), /started/);
      assert.doesNotMatch(logOf(coordinator, 1), /after/);
    },
    {
      prepare: (coordinator) => {
        coordinator.script(
          "request",
          aScriptJob(1, [], {
            steps: [
              { name: "script", script: ["echo started", "sleep 300"] },
              { name: "after_script", script: ["echo after"] },
            ],
          }),
          aScriptJob(2, ["true"]),
        );
        coordinator.always("patch", ({ path, body }) => ({
          status: path.includes("/jobs/1/") && body.includes("started") ? 403 : 202,
        }));
        coordinator.script("update", { status: 200, headers: { "x-gitlab-trace-update-interval": "1" } });
      },
    },
  ));

test("a payload that cannot be read fails its job with the reason in its log", () =>
  withManager(
    async ({ coordinator }) => {
      const final = await finalUpdateOf(coordinator, 7);
      assert.deepEqual([final["state"], final["failure_reason"]], ["failed", "runner_system_failure"]);
      assert.match(logOf(coordinator, 7), /cannot be read: steps/);
    },
    {
      prepare: (coordinator) =>
        coordinator.script("request", { status: 201, body: { id: 7, token: "glcbt-7", steps: "no array" } }),
    },
  ));

test("disposing of the manager aborts its jobs, reports them and leaves nothing running", () =>
  withManager(
    async ({ coordinator, manager }) => {
      await coordinator.waitFor("update");
      await manager[Symbol.asyncDispose]();
      const final = await finalUpdateOf(coordinator, 1);
      assert.deepEqual([final["state"], final["failure_reason"]], ["failed", "unknown_failure"]);
      assert.match(logOf(coordinator, 1), /aborted: terminated/);
      assert.deepEqual(manager.runningJobs, []);
    },
    { prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ["sleep 300"])) },
  ));

test("a stopped manager asks no more and drains what runs", () =>
  withManager(
    async ({ coordinator, manager }) => {
      await coordinator.waitFor("update");
      manager.stop();
      const asked = coordinator.callsOf("request").length;
      await manager.drain(AbortSignal.timeout(10_000));
      assert.equal((await finalUpdateOf(coordinator, 1))["state"], "success");
      assert.equal(coordinator.callsOf("request").length, asked);
    },
    {
      config: { concurrent: 2 },
      prepare: (coordinator) => coordinator.script("request", aScriptJob(1, ["sleep 0.3"])),
    },
  ));

test("a runner whose token is refused often enough rests", async () => {
  const rests = Promise.withResolvers<void>();
  const metrics = { ...noMetrics, offerDeclined: (_: unknown, why: string) => why === "unhealthy" && rests.resolve() };
  await withManager(
    async ({ coordinator }) => {
      await rests.promise;
      assert.equal(coordinator.callsOf("request").length, 2);
    },
    {
      runner: { unhealthy_requests_limit: 2 },
      prepare: (coordinator) => coordinator.always("request", () => ({ status: 403 })),
      manager: { metrics },
    },
  );
});

test("a masked variable of the job does not reach its log", () =>
  withManager(
    async ({ coordinator }) => {
      await finalUpdateOf(coordinator, 1);
      assert.doesNotMatch(logOf(coordinator, 1), /hunter2/);
      assert.match(logOf(coordinator, 1), /\[MASKED\]/);
    },
    {
      prepare: (coordinator) =>
        coordinator.script(
          "request",
          aScriptJob(1, ['echo "$SECRET"'], {
            variables: [aVariable("SECRET", "hunter2-hunter2", { masked: true }), aVariable("GIT_STRATEGY", "none")],
          }),
        ),
    },
  ));
