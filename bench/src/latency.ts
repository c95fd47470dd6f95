import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createCollectorClient } from "@jobscope/collector/client";
import { createEndpointPool, silentLog } from "@jobscope/labkit";
import type { Benchmark } from "./support/figures.ts";
import { median, quantile } from "./support/figures.ts";
import { startJobscope } from "./support/jobscope-process.ts";
import { stageSpans } from "./support/stage-spans.ts";
import { untilCollectorRuns } from "./support/until-collector-runs.ts";

const rounds = 60;

/** Time from the end of a span to the moment its row can be read. */
export const latency: Benchmark = {
  name: "latency",
  title: "From the end of a stage to its row",
  method:
    `${rounds} spans, one after the other, through labkit into \`jobscope collector\` with the engine in its process; a ` +
    "reader asks by SQL every 10 ms until the row is there.",
  async run() {
    await using collector = await startJobscope((directory) => [
      "collector",
      ...["--data", directory, "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0", "--api", "127.0.0.1:0"],
    ]);
    const running = await untilCollectorRuns(join(collector.directory, "store"));
    const reader = createCollectorClient({ apiUrl: running.apiUrl });
    await using pool = createEndpointPool({ log: silentLog });
    const endpoint = pool.endpoint({ url: running.otlpHttpUrl });
    const durationsMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const [span] = stageSpans(1);
      if (span === undefined) break;
      const endedAt = performance.now();
      endpoint.enqueue(span);
      while ((await reader.getTrace(span.spanContext().traceId)) === undefined) await delay(10);
      durationsMs.push(performance.now() - endedAt);
    }
    return [
      { what: "median", value: `${median(durationsMs).toFixed(0)} ms`, target: "" },
      { what: "p95", value: `${quantile(durationsMs, 0.95).toFixed(0)} ms`, target: "< 1,000 ms" },
    ];
  },
};
