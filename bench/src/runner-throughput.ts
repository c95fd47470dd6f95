import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Benchmark, Figure } from "./support/figures.ts";
import { median } from "./support/figures.ts";
import { startRunner } from "./support/jobscope-process.ts";
import { startStubCoordinator } from "./support/stub-coordinator.ts";

const script = ["echo hello", "true"];

/** How fast short jobs go through the runner, against plain `bash` running the same scripts. */
export const runnerThroughput: Benchmark = {
  name: "runner-throughput",
  title: "Short jobs",
  method:
    "`jobscope run` with the shell executor against a stub coordinator; jobs without sources whose script is " +
    "`echo hello; true`. The floor is the same script in `bash -l`, one after the other.",
  async run() {
    const floorMs = await bashFloor(100);
    const figures: Figure[] = [
      { what: "floor: bash -l, one after the other", value: `${floorMs.toFixed(1)} ms`, target: "" },
    ];
    for (const concurrent of [1, 4, 16]) {
      await using coordinator = await startStubCoordinator();
      await using _runner = await startRunner({ url: coordinator.url, concurrent });
      const jobs = (count: number) => Array.from({ length: count }, () => ({ script }));
      await coordinator.run(jobs(20));
      const startedAt = performance.now();
      const results = await coordinator.run(jobs(200));
      const minutes = (performance.now() - startedAt) / 60_000;
      const durationMs = median(results.map(({ handedOutAt, endedAt }) => endedAt - handedOutAt));
      if (concurrent === 1) {
        figures.push({
          what: "hand-out to final state, one at a time",
          value: `${durationMs.toFixed(1)} ms`,
          target: "< 120 ms",
        });
        figures.push({ what: "÷ floor", value: (durationMs / floorMs).toFixed(2), target: "≤ 2" });
      }
      const target = concurrent === 1 ? "" : "≥ 900";
      figures.push({ what: `jobs a minute at concurrency ${concurrent}`, value: (200 / minutes).toFixed(0), target });
    }
    return figures;
  },
};

async function bashFloor(runs: number): Promise<number> {
  const durations: number[] = [];
  for (let run = 0; run < runs; run++) {
    const startedAt = performance.now();
    const child = spawn("bash", ["-l"], {
      env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.stdin.end(script.join("\n"));
    await once(child, "exit");
    durations.push(performance.now() - startedAt);
  }
  return median(durations);
}
