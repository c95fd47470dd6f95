import { startDiscardingReceiver } from "./support/discarding-receiver.ts";
import type { Benchmark, Figure } from "./support/figures.ts";
import { median } from "./support/figures.ts";
import { startRunner } from "./support/jobscope-process.ts";
import { type StubJob, startStubCoordinator } from "./support/stub-coordinator.ts";

const sections = [
  "for i in $(seq 200); do",
  'printf "section_start:%s:part_$i\\r\\033[0KPart $i\\n" "$(printf "%(%s)T" -1)"',
  'printf "section_end:%s:part_$i\\r\\033[0K" "$(printf "%(%s)T" -1)"',
  "done",
].join("\n");

/** What telemetry adds to a job: the same job, traced and not, in turn in one runner. */
export const jobOverhead: Benchmark = {
  name: "job-overhead",
  title: "What telemetry adds to a job",
  method:
    "`jobscope run` with the shell executor and one job at a time, against a stub coordinator and an OTLP endpoint that " +
    "throws requests away; traced and untraced jobs in turn, from hand-out to final state, medians.",
  async run() {
    await using coordinator = await startStubCoordinator();
    await using receiver = await startDiscardingReceiver();
    await using silent = await startDiscardingReceiver({ isSilent: true });
    await using runner = await startRunner({ url: coordinator.url, concurrent: 1 });
    const kinds: [string, string, number, string][] = [
      ["trivial job", "true", 150, receiver.url],
      ["job with 200 log sections", sections, 60, receiver.url],
      ["trivial job, endpoint that never answers", "true", 150, silent.url],
    ];
    await coordinator.run(Array.from({ length: 20 }, () => ({ script: ["true"] })));
    const figures: Figure[] = [];
    for (const kind of kinds) figures.push(await compare(...kind));
    if (receiver.receivedBytes() === 0) throw new Error(`no span arrived; runner log:\n${runner.stderr()}`);
    return figures;

    async function compare(what: string, script: string, pairs: number, url: string): Promise<Figure> {
      const jobs = Array.from({ length: pairs }, (_, pair): StubJob[] => {
        const traced = { script: [script], tracing: tracing(url) };
        const untraced = { script: [script] };
        return pair % 2 === 0 ? [traced, untraced] : [untraced, traced];
      }).flat();
      const results = await coordinator.run(jobs);
      const durations = (isTraced: boolean): number[] =>
        results
          .filter(({ job }) => (job.tracing !== undefined) === isTraced)
          .map(({ handedOutAt, endedAt }) => endedAt - handedOutAt);
      const on = median(durations(true));
      const off = median(durations(false));
      const value = `${(on / off).toFixed(3)} (${on.toFixed(1)} ms on, ${off.toFixed(1)} ms off: ${(on - off).toFixed(1)} ms)`;
      return { what: `${what}, on ÷ off`, value, target: "< 1.01 or < 5 ms" };
    }
  },
};

function tracing(url: string): object {
  const traceId = Math.floor(Math.random() * 1e15)
    .toString(16)
    .padStart(32, "0");
  return { trace_id: traceId, otel_endpoints: [{ url }] };
}
