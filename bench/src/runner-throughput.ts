import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
    "`echo hello; true`. The floor is the text that the runner gives to its shell for such a job, recorded, in plain " +
    "`bash -l`, one after the other, with an empty profile.",
  async run() {
    const floorMs = await bashFloor(await recordScript(), 100);
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

/** What the runner feeds to `bash` for one job: a program of that name takes it down on the way. */
async function recordScript(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "jobscope-bench-bash-"));
  try {
    const record = join(directory, "script");
    const bash = join(directory, "bash");
    await writeFile(bash, `#!/bin/sh\nPATH=\${PATH#*:}\ntee ${record}.$$ | bash "$@"\nmv ${record}.$$ ${record}\n`);
    await chmod(bash, 0o755);
    await using coordinator = await startStubCoordinator();
    await using _runner = await startRunner({
      url: coordinator.url,
      concurrent: 1,
      path: `${directory}:${process.env["PATH"]}`,
    });
    await coordinator.run([{ script }]);
    return await readFile(record, "utf8");
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function bashFloor(text: string, runs: number): Promise<number> {
  const durations: number[] = [];
  for (let run = 0; run < runs; run++) {
    const startedAt = performance.now();
    const child = spawn("bash", ["-l"], {
      env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.stdin.end(text);
    await once(child, "exit");
    durations.push(performance.now() - startedAt);
  }
  return median(durations);
}
