import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JobState } from "../job-state.ts";
import { decideNext, type WaitingJob } from "./decide-next.ts";

type Outcome = "success" | "failed";
interface SimulatedJob extends WaitingJob {
  state: JobState;
  readonly outcome: Outcome;
}

const aJob = (name: string, others: Partial<SimulatedJob> = {}): SimulatedJob => ({
  ...{
    name,
    stageIndex: 0,
    needs: undefined,
    when: "on_success",
    state: "created",
    allowFailure: false,
    outcome: "success",
  },
  ...others,
});
const need = (name: string) => ({ name, artifacts: true });

/** Runs all jobs to their ends, in an order that `pick` chooses. */
function simulate(jobs: SimulatedJob[], pick: (count: number) => number): void {
  for (;;) {
    const steps = decideNext(jobs);
    for (const { job, becomes } of steps) job.state = becomes;
    const running = jobs.filter(({ state }) => state === "pending");
    if (steps.length === 0 && running.length === 0) return;
    const next = running[pick(running.length)];
    if (next !== undefined) next.state = next.outcome;
  }
}

/** The rules, said plainly and once, without any notion of time. */
function expectedState(job: SimulatedJob, jobs: readonly SimulatedJob[]): JobState {
  const before = jobs.filter((other) =>
    job.needs === undefined ? other.stageIndex < job.stageIndex : job.needs.some(({ name }) => name === other.name),
  );
  const states = before.map((other) => ({ state: expectedState(other, jobs), allowFailure: other.allowFailure }));
  const isSkipped = (entry: { state: JobState }) => entry.state === "skipped";
  const hasFailed = states.some(({ state, allowFailure }) => state === "failed" && !allowFailure);
  const noneRan = states.length > 0 && states.every(isSkipped);
  const oneNeedDidNotRun = job.needs !== undefined && states.some(isSkipped);
  const failed = hasFailed && !oneNeedDidNotRun;
  if (job.when === "always") return job.outcome;
  if (job.when === "on_failure") return failed ? job.outcome : "skipped";
  return failed || oneNeedDidNotRun || (noneRan && job.needs !== undefined) ? "skipped" : job.outcome;
}

const pipelines = fc
  .array(
    fc.record({
      stageIndex: fc.nat({ max: 3 }),
      needs: fc.option(fc.array(fc.nat({ max: 8 }), { maxLength: 3 })),
      when: fc.constantFrom<WaitingJob["when"]>("on_success", "on_success", "on_failure", "always"),
      allowFailure: fc.boolean(),
      outcome: fc.constantFrom<Outcome>("success", "success", "failed"),
    }),
    { minLength: 1, maxLength: 9 },
  )
  .map((entries) => {
    const sorted = entries.sort((a, b) => a.stageIndex - b.stageIndex);
    return sorted.map((entry, index) => {
      const earlier = (entry.needs ?? []).filter((other) => other < index);
      const needs = entry.needs === null ? undefined : earlier.map((other) => need(`j${other}`));
      return aJob(`j${index}`, { ...entry, needs });
    });
  });

test("whatever ends first, every job ends as the rules say", () => {
  fc.assert(
    fc.property(pipelines, fc.infiniteStream(fc.nat()), (jobs, choices) => {
      const plain = jobs.map((job) => ({ ...job }));
      simulate(jobs, (count) => (choices.next().value ?? 0) % Math.max(count, 1));
      for (const job of jobs)
        assert.equal(job.state, expectedState(plain.find(({ name }) => name === job.name) ?? job, plain), job.name);
    }),
    { numRuns: 500 },
  );
});

test("no job starts before what it waits for has ended", () => {
  fc.assert(
    fc.property(pipelines, (jobs) => {
      for (const job of jobs) job.state = "running";
      const [first] = jobs;
      for (const job of jobs.slice(1)) job.state = "created";
      for (const { job } of decideNext(jobs)) {
        const waitsForFirst =
          job.needs?.some(({ name }) => name === first?.name) ?? job.stageIndex > (first?.stageIndex ?? 0);
        assert.equal(waitsForFirst, false);
      }
    }),
  );
});

test("a manual job waits for a person, and what comes after it for the job, unless it may fail", () => {
  const jobs = [
    aJob("gate", { when: "manual" }),
    aJob("after", { stageIndex: 1 }),
    aJob("direct", { stageIndex: 1, needs: [] }),
    aJob("delayed", { when: "delayed" }),
  ];
  const steps = decideNext(jobs).map(({ job, becomes }) => [job.name, becomes]);
  assert.deepEqual(steps, [
    ["gate", "manual"],
    ["direct", "pending"],
    ["delayed", "scheduled"],
  ]);
  const optional = [aJob("gate", { state: "manual", allowFailure: true }), aJob("other", { state: "success" })];
  const after = [aJob("after", { stageIndex: 1 }), aJob("needing", { stageIndex: 1, needs: [need("gate")] })];
  assert.deepEqual(
    decideNext([...optional, ...after]).map(({ job, becomes }) => [job.name, becomes]),
    [
      ["after", "pending"],
      ["needing", "skipped"],
    ],
  );
});
