import { startDiscardingReceiver } from "./support/discarding-receiver.ts";
import type { Benchmark } from "./support/figures.ts";
import { median } from "./support/figures.ts";
import { startRunner } from "./support/jobscope-process.ts";
import { type StubJob, startStubCoordinator } from "./support/stub-coordinator.ts";

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
    "state, medians. The cost of a step is the difference to the script, divided by the number of steps; it holds what " +
    "starting a process costs more in the runner than in a shell.",
  async run() {
    await using coordinator = await startStubCoordinator();
    await using receiver = await startDiscardingReceiver();
    await using _runner = await startRunner({ url: coordinator.url, concurrent: 1 });
    const tracing = { trace_id: "1".padStart(32, "0"), otel_endpoints: [{ url: receiver.url }] };
    const kinds = [oneScript, steps, { ...steps, tracing }];
    await coordinator.run(kinds);
    const results = await coordinator.run(Array.from({ length: rounds }, () => kinds).flat());
    const failed = results.filter(({ state }) => state !== "success");
    if (failed.length > 0) throw new Error(`${failed.length} jobs of ${results.length} failed`);
    const [script = 0, functions = 0, traced = 0] = kinds.map((kind) =>
      median(results.filter(({ job }) => job === kind).map(({ handedOutAt, endedAt }) => endedAt - handedOutAt)),
    );
    const perStep = (ms: number) => `${((ms - script) / stepCount).toFixed(2)} ms`;
    return [
      { what: `${stepCount} commands in one script`, value: `${script.toFixed(0)} ms`, target: "" },
      { what: `${stepCount} steps, each beyond that`, value: perStep(functions), target: "< 3 ms" },
      { what: `${stepCount} traced steps, each beyond that`, value: perStep(traced), target: "< 3 ms" },
    ];
  },
};
