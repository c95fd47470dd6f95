import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { silentLog } from "@jobscope/labkit";
import { makeHelperImage } from "@jobscope/runner";
import { type Benchmark, median } from "./support/figures.ts";
import { startRunner } from "./support/jobscope-process.ts";
import { type StubJob, type StubResult, startStubCoordinator } from "./support/stub-coordinator.ts";

const run = promisify(execFile);
const stepCount = 100;
const rounds = 7;
const steps: StubJob = {
  script: [],
  run: Array.from({ length: stepCount }, (_, index) => ({ name: `step_${index}`, script: "true" })),
};

/** What a step of CI Functions costs in a container, beside a start through the engine. */
export const containerFunctions: Benchmark = {
  name: "container-functions",
  title: "What a step of CI Functions costs in a container",
  method:
    `\`jobscope run\` with the Docker executor and one job at a time, against a stub coordinator: ${stepCount} script steps ` +
    "in an image that holds no shell, in turn with jobs without steps, from hand-out to final state, medians; beside it " +
    "as many starts of the same command by `docker exec`. Skipped where no engine or no static busybox is.",
  async run() {
    const image = `jobscope-bench-${process.pid}:1`;
    try {
      await run("sh", ["-c", `tar -C / -ch bin/busybox | docker import - ${image}`]);
    } catch {
      return [{ what: "a step in a container", value: "no Docker Engine here", target: "" }];
    }
    try {
      await makeHelperImage({}, { log: silentLog, signal: AbortSignal.timeout(120_000) });
      return await measure(image);
    } finally {
      await run("docker", ["rmi", "--force", image]);
    }
  },
};

async function measure(image: string) {
  await using coordinator = await startStubCoordinator();
  await using _runner = await startRunner({ url: coordinator.url, concurrent: 1, image });
  const kinds = [{ ...steps, run: [] }, steps];
  await coordinator.run(kinds);
  const results: StubResult[] = [];
  for (let round = 0; round < rounds; round += 1) results.push(...(await coordinator.run(kinds)));
  const failed = results.filter(({ state }) => state !== "success");
  if (failed.length > 0) throw new Error(`${failed.length} jobs of ${results.length} failed`);
  const [empty = 0, functions = 0] = kinds.map((kind) =>
    median(results.filter(({ job }) => job === kind).map(({ handedOutAt, endedAt }) => endedAt - handedOutAt)),
  );
  const byEngine = await engineStartMs(image);
  return [
    { what: "job without steps", value: `${empty.toFixed(0)} ms`, target: "" },
    { what: `job of ${stepCount} steps`, value: `${functions.toFixed(0)} ms`, target: "" },
    { what: "a step, its process included", value: `${((functions - empty) / stepCount).toFixed(2)} ms`, target: "" },
    { what: "the same by `docker exec`", value: `${byEngine.toFixed(0)} ms`, target: "" },
  ];
}

async function engineStartMs(image: string): Promise<number> {
  const { stdout } = await run("docker", ["run", "--detach", image, "/bin/busybox", "sleep", "1000"]);
  const id = stdout.trim();
  const times: number[] = [];
  try {
    for (let index = 0; index < stepCount / 4; index += 1) {
      const startedMs = performance.now();
      await run("docker", ["exec", id, "/bin/busybox", "sh", "-c", "true"]);
      times.push(performance.now() - startedMs);
    }
  } finally {
    await run("docker", ["rm", "--force", id]);
  }
  return median(times);
}
