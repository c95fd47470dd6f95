/** How long after it is ready a job is in a runner's hands, with many runners waiting and with many jobs queued. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { Benchmark, Figure } from "./support/figures.ts";
import { quantile } from "./support/figures.ts";
import { startPollers } from "./support/pollers.ts";

const pollers = 200;
const leaveMs = 1_000;
/** Jobs that are handed out before anything is measured. */
const jobsBefore = 3_000;
const program = join(import.meta.dirname, "support", "coordinator-process.ts");

export const handOut: Benchmark = {
  name: "hand-out",
  title: "Handing out jobs",
  method:
    `A coordinator in a process of its own and ${pollers} pollers in another, all on this machine, with the job payloads of a real ` +
    "repository. Burst: all pollers wait in their long poll, then a pipeline with a job for each starts; measured from the " +
    "moment each job is ready to the last byte of its answer. Queue: a pipeline of 1,000 jobs is ready before the pollers " +
    "ask, each again as soon as it has its answer; measured is one request. The pollers' connections are open before, and " +
    `${jobsBefore.toLocaleString("en")} jobs have been handed out: ` +
    "a coordinator that has just started runs code that is not compiled yet.",
  async run(): Promise<readonly Figure[]> {
    const burst = await measure({ jobs: 200, waitFirst: true });
    const queue = await measure({ jobs: 1_000, waitFirst: false });
    return [
      figure("burst of 200 jobs to 200 waiting pollers, p50", quantile(burst, 0.5), ""),
      figure("burst of 200 jobs to 200 waiting pollers, p99", quantile(burst, 0.99), "< 50 ms"),
      figure("request while 1,000 jobs are queued and 200 ask at once, p50", quantile(queue, 0.5), ""),
      figure("request while 1,000 jobs are queued and 200 ask at once, p99", quantile(queue, 0.99), "< 50 ms"),
    ];
  },
};

function figure(what: string, ms: number, target: string): Figure {
  return { what, value: `${ms.toFixed(1)} ms`, target };
}

/** @returns milliseconds for each job; every job was handed out exactly once. */
async function measure({ jobs, waitFirst }: { jobs: number; waitFirst: boolean }): Promise<number[]> {
  const directory = await mkdtemp(join(tmpdir(), "jobscope-bench-"));
  const args = ["--conditions=jobscope-source", "--disable-warning=ExperimentalWarning", program, directory];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async <T>() => JSON.parse(String((await lines.next()).value)) as T;
  try {
    const { url, token } = await next<{ url: string; token: string }>();
    const handOutAll = async (count: number, isBurst: boolean) => {
      const polling = startPollers({ url, token, pollers, jobs: count });
      await polling.connect();
      if (isBurst) {
        polling.go();
        await polling.untilWaiting();
      }
      child.stdin.write(`${count}\n`);
      const readyAtMs = await next<Record<string, number>>();
      if (!isBurst) polling.go();
      return { readyAtMs, answers: await polling.done };
    };
    for (let done = 0; done < jobsBefore; done += 1_000) {
      await handOutAll(1_000, false);
      // A job that goes to a connection whose end has not arrived yet is lost to these pollers, which acknowledge nothing.
      await delay(leaveMs);
    }
    const { readyAtMs, answers } = await handOutAll(jobs, waitFirst);
    if (new Set(answers.map(({ jobId }) => jobId)).size !== jobs) throw new Error("a job was handed out twice");
    return answers.map(
      ({ jobId, askedAtMs, answeredAtMs }) => answeredAtMs - Math.max(askedAtMs, readyAtMs[jobId] ?? 0),
    );
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
    await rm(directory, { recursive: true, force: true });
  }
}
