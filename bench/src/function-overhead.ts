import { spawn } from "node:child_process";
import { once } from "node:events";
import { startDiscardingReceiver } from "./support/discarding-receiver.ts";
import type { Benchmark } from "./support/figures.ts";
import { median } from "./support/figures.ts";
import { startRunner } from "./support/jobscope-process.ts";
import { type StubJob, type StubResult, startStubCoordinator } from "./support/stub-coordinator.ts";

const stepCount = 100;
const rounds = 15;
/** What a script step runs its text with, so that both jobs start the same processes. */
const command = "bash -c true";

const oneScript: StubJob = { script: [Array.from({ length: stepCount }, () => command).join("\n")] };
const steps: StubJob = {
  script: [],
  run: Array.from({ length: stepCount }, (_, index) => ({ name: `step_${index}`, script: "true" })),
};

/** What a step of CI Functions costs: the same commands as steps and as lines of one script, in turn in one runner. */
export const functionOverhead: Benchmark = {
  name: "function-overhead",
  title: "What a step of CI Functions costs",
  method:
    `\`jobscope run\` with the shell executor and one job at a time, against a stub coordinator: ${stepCount} times ` +
    `\`${command}\` as lines of one script, as steps of \`run:\`, and as traced steps, in turn, from hand-out to final ` +
    "state, medians; beside it as many bare process starts from Node, where one costs more than in a shell. The cost of " +
    "a step is what its job takes longer than one without steps and than the bare process starts, divided by the steps.",
  async run() {
    await using coordinator = await startStubCoordinator();
    await using receiver = await startDiscardingReceiver();
    await using _runner = await startRunner({ url: coordinator.url, concurrent: 1 });
    const tracing = { trace_id: "1".padStart(32, "0"), otel_endpoints: [{ url: receiver.url }] };
    const kinds = [oneScript, { ...steps, run: [] }, steps, { ...steps, tracing }];
    await coordinator.run(kinds);
    const results: StubResult[] = [];
    const starts: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      results.push(...(await coordinator.run(kinds)));
      starts.push(await bareStartsMs());
    }
    const failed = results.filter(({ state }) => state !== "success");
    if (failed.length > 0) throw new Error(`${failed.length} jobs of ${results.length} failed`);
    const [script = 0, empty = 0, functions = 0, traced = 0] = kinds.map((kind) =>
      median(results.filter(({ job }) => job === kind).map(({ handedOutAt, endedAt }) => endedAt - handedOutAt)),
    );
    const bare = median(starts);
    const perStep = (ms: number) => `${((ms - empty - bare) / stepCount).toFixed(2)} ms`;
    return [
      { what: `job of ${stepCount} commands in one script`, value: `${script.toFixed(0)} ms`, target: "" },
      { what: `job of ${stepCount} steps`, value: `${functions.toFixed(0)} ms`, target: "" },
      { what: `${stepCount} bare process starts`, value: `${bare.toFixed(0)} ms`, target: "" },
      { what: "a step beyond its process start", value: perStep(functions), target: "< 3 ms" },
      { what: "a traced step beyond its process start", value: perStep(traced), target: "< 3 ms" },
    ];
  },
};

/** The same processes one after the other, without an engine around them. */
async function bareStartsMs(): Promise<number> {
  const startedMs = performance.now();
  for (let index = 0; index < stepCount; index += 1) {
    const options = { env: { PATH: "/usr/local/bin:/usr/bin:/bin" }, detached: true, stdio: "ignore" } as const;
    await once(spawn("bash", ["-c", "true"], options), "exit");
  }
  return performance.now() - startedMs;
}
