import { spawn } from "node:child_process";
import { once } from "node:events";
import { silentLog } from "@jobscope/labkit";
import { makeHelperImage } from "@jobscope/runner";
import { busyboxFiles, connectToEngine, importImage, skipWithoutEngine } from "../../test/support/docker-engine.ts";
import { type Benchmark, type Figure, median } from "./support/figures.ts";
import { startRunner } from "./support/jobscope-process.ts";
import { startStubCoordinator } from "./support/stub-coordinator.ts";

const script = ["echo hello", "true"];
const runs = 20;

/** What the runner adds to `docker run`. */
export const containerJobs: Benchmark = {
  name: "container-jobs",
  title: "Short jobs in containers",
  method:
    "`jobscope run` with the Docker executor against a stub coordinator; jobs without sources whose script is " +
    "`echo hello; true`, in a local image. Beside it, in turn, `docker run --rm` of the same commands in that image.",
  async run() {
    if (skipWithoutEngine !== false) return [{ what: skipWithoutEngine, value: "not measured", target: "" }];
    const engine = connectToEngine();
    const image = `jobscope-bench-${process.pid}:jobs`;
    await importImage(engine, image, busyboxFiles);
    try {
      await makeHelperImage({}, { log: silentLog, signal: AbortSignal.timeout(120_000) });
      return await measure(image);
    } finally {
      await engine.getImage(image).remove({ force: true });
    }
  },
};

async function measure(image: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const concurrent of [1, 4]) {
    await using coordinator = await startStubCoordinator();
    await using _runner = await startRunner({ url: coordinator.url, concurrent, image });
    await coordinator.run(Array.from({ length: concurrent * 2 }, () => ({ script })));
    if (concurrent === 1) {
      const floors: number[] = [];
      const durations: number[] = [];
      for (let run = 0; run < runs; run++) {
        floors.push(await dockerRun(image));
        const [result] = await coordinator.run([{ script }]);
        if (result !== undefined) durations.push(result.endedAt - result.handedOutAt);
      }
      const [floorMs, jobMs] = [median(floors), median(durations)];
      figures.push(
        { what: "floor: docker run --rm", value: `${floorMs.toFixed(0)} ms`, target: "" },
        { what: "hand-out to final state, one at a time", value: `${jobMs.toFixed(0)} ms`, target: "" },
        { what: "÷ floor", value: (jobMs / floorMs).toFixed(2), target: "≤ 1.5" },
      );
    } else {
      const startedAt = performance.now();
      await coordinator.run(Array.from({ length: runs * 2 }, () => ({ script })));
      const minutes = (performance.now() - startedAt) / 60_000;
      const what = `jobs a minute at concurrency ${concurrent}`;
      figures.push({ what, value: ((runs * 2) / minutes).toFixed(0), target: "" });
    }
  }
  return figures;
}

async function dockerRun(image: string): Promise<number> {
  const startedAt = performance.now();
  const child = spawn("docker", ["run", "--rm", image, "sh", "-c", script.join("\n")], { stdio: "ignore" });
  await once(child, "exit");
  return performance.now() - startedAt;
}
