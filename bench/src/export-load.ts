import { setTimeout as delay } from "node:timers/promises";
import { startOtlpReceiver } from "@jobscope/labkit/testing";
import type { Benchmark } from "./support/figures.ts";
import { startRunner } from "./support/jobscope-process.ts";
import { startStubCoordinator } from "./support/stub-coordinator.ts";

const jobs = 50;
const spansPerSecond = 1_000;
const seconds = 40;
const mebibyte = 1024 * 1024;

/** Prints its part of the spans as sections of the job log, evenly. */
const perJob = spansPerSecond / jobs;
const script = [
  `for i in $(seq ${perJob * seconds}); do`,
  '  printf "section_start:1:part_$i\\r\\033[0Kx\\nsection_end:1:part_$i\\r\\033[0K"',
  `  read -t ${1 / perJob} < $WAIT || true`,
  "done",
].join("\n");

/** Memory of the runner under a steady load into an endpoint that takes its time. */
export const exportLoad: Benchmark = {
  name: "export-load",
  title: "A steady load into a slow endpoint",
  method:
    `\`jobscope run\` with ${jobs} jobs that each print ${perJob} log sections a second for ${seconds} s, all traced to one ` +
    "endpoint that answers each request after 200 ms; resident memory of the runner alone, and spans by their ids.",
  async run() {
    await using coordinator = await startStubCoordinator();
    await using receiver = await startOtlpReceiver();
    receiver.always({ kind: "accept", delayMs: 200 });
    await using runner = await startRunner({ url: coordinator.url, concurrent: jobs });
    const tracing = { trace_id: "1".padStart(32, "0"), otel_endpoints: [{ url: receiver.url }] };
    // Something to wait on that costs no process: a pipe that nobody writes to.
    const variables = { WAIT: "/dev/fd/9" };
    const withPipe = ["exec 9<> <(:)", script];
    const done = coordinator.run(Array.from({ length: jobs }, () => ({ script: withPipe, tracing, variables })));
    await coordinator.untilRunning(jobs);
    const samples: number[] = [];
    const startedAt = performance.now();
    const before = receiver.spans.length;
    for (let second = 0; second < seconds - 5; second++) {
      await delay(1_000);
      samples.push(await runner.residentBytes());
    }
    const rate = (receiver.spans.length - before) / ((performance.now() - startedAt) / 1_000);
    const results = await done;
    const failed = results.filter(({ state }) => state !== "success").length;
    if (failed > 0) throw new Error(`${failed} jobs failed; runner log:\n${runner.stderr().slice(-2_000)}`);
    await receiver.waitFor(() => receiver.spans.filter(({ name }) => name === "job_execution").length === jobs);
    const ids = new Set(receiver.spans.map(({ spanId }) => spanId));
    const sections = receiver.spans.filter(({ name }) => name === "section").length;
    const third = Math.floor(samples.length / 3);
    // What is left after a collection of garbage, not what waits for one.
    const least = (values: readonly number[]) => Math.min(...values) / mebibyte;
    const [early, late] = [least(samples.slice(third, 2 * third)), least(samples.slice(2 * third))];
    return [
      { what: "spans a second", value: rate.toFixed(0), target: `≥ ${spansPerSecond * 0.95}` },
      { what: "sections that arrived", value: `${sections} of ${jobs * perJob * seconds}`, target: "all" },
      { what: "spans that arrived twice", value: `${receiver.spans.length - ids.size}`, target: "0" },
      { what: "least memory in the middle third", value: `${early.toFixed(0)} MiB`, target: "" },
      { what: "least memory in the last third ÷ that", value: (late / early).toFixed(3), target: "< 1.05" },
    ];
  },
};
