import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "./config-error.ts";
import { parseConfig } from "./parse-config.ts";

function limitsOf(durations: readonly object[]) {
  const runner = { url: "http://127.0.0.1:1", token: "glrt-x", executor: "shell" };
  const monitoring = { job_queuing_durations: durations };
  const [only] = parseConfig({ runners: [{ ...runner, monitoring }] }, { environment: {} }).runners;
  assert.ok(only);
  return only.queuingLimits;
}

const office = { periods: ["* * 8-17 * * Mon-Fri *"], timezone: "UTC", threshold: "1m" };
const always = { periods: ["* * * * * * *"], threshold: "10m" };
const monday = new Date("2026-11-30T12:00:00Z");
const sunday = new Date("2026-11-29T12:00:00Z");
const job = { queuedDurationS: 90, projectJobsRunning: "0" };

/** Source: runner-protocol.md §6.3. */
const cases = [
  { name: "in its period a limit counts", durations: [office], at: monday, job, exceeded: true },
  { name: "outside it does not", durations: [office], at: sunday, job, exceeded: false },
  {
    name: "of several the last one whose period it is counts",
    durations: [office, always],
    at: monday,
    job,
    exceeded: false,
  },
  {
    name: "a period elsewhere is read in its time zone",
    durations: [{ ...office, timezone: "Asia/Tokyo" }],
    at: monday,
    job,
    exceeded: false,
  },
  {
    name: "a job that waited less is fine",
    durations: [office],
    at: monday,
    job: { ...job, queuedDurationS: 59 },
    exceeded: false,
  },
  {
    name: "a wait that is not told is fine",
    durations: [office],
    at: monday,
    job: { ...job, queuedDurationS: undefined },
    exceeded: false,
  },
  {
    name: "a pattern of the project's running jobs that matches counts",
    durations: [{ ...office, jobs_running_for_project: "^(0|1)$" }],
    at: monday,
    job,
    exceeded: true,
  },
  {
    name: "one that does not match does not",
    durations: [{ ...office, jobs_running_for_project: "^(0|1)$" }],
    at: monday,
    job: { ...job, projectJobsRunning: "+Inf" },
    exceeded: false,
  },
  { name: "without any limit nothing is exceeded", durations: [], at: monday, job, exceeded: false },
];

for (const { name, durations, at, job: asked, exceeded } of cases) {
  test(`acceptable queuing: ${name}`, () => {
    assert.equal(limitsOf(durations).areExceeded(asked, at), exceeded);
  });
}

for (const [key, wrong] of [
  ["periods", { periods: ["never"] }],
  ["periods", { ...office, timezone: "Mars/Olympus" }],
  ["jobs_running_for_project", { ...office, jobs_running_for_project: "(" }],
] as const) {
  test(`acceptable queuing: ${JSON.stringify(wrong)} is a problem of ${key}`, () => {
    assert.throws(
      () => limitsOf([wrong]),
      (error) =>
        error instanceof ConfigError &&
        error.problems.some((problem) => problem.key === `runners[0].monitoring.job_queuing_durations[0].${key}`),
    );
  });
}
