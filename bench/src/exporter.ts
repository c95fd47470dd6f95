import { createEndpointPool, silentLog } from "@jobscope/labkit";
import { startDiscardingReceiver } from "./support/discarding-receiver.ts";
import type { Benchmark } from "./support/figures.ts";
import { median } from "./support/figures.ts";
import { stageSpans } from "./support/stage-spans.ts";

const spansPerRun = 200_000;

/** Spans per second through one telemetry endpoint of labkit. */
export const exporter: Benchmark = {
  name: "exporter",
  title: "The exporter",
  method:
    `${spansPerRun} stage spans with 14 attributes each through one endpoint over OTLP/HTTP into a receiver that throws ` +
    "them away, in the same process; median of 5 runs.",
  async run() {
    await using receiver = await startDiscardingReceiver();
    const limits = { maxQueuedSpans: spansPerRun * 2, maxQueuedBytes: 2 ** 31 };
    const rates: number[] = [];
    for (let run = 0; run < 6; run++) {
      await using pool = createEndpointPool({ log: silentLog, limits });
      const endpoint = pool.endpoint({ url: receiver.url });
      const spans = stageSpans(spansPerRun);
      const startedAt = performance.now();
      for (const span of spans) endpoint.enqueue(span);
      await endpoint.flush({ signal: AbortSignal.timeout(60_000) });
      const seconds = (performance.now() - startedAt) / 1_000;
      const { exportedSpans } = endpoint.stats();
      if (exportedSpans !== spansPerRun) throw new Error(`exported ${exportedSpans} of ${spansPerRun} spans`);
      if (run > 0) rates.push(exportedSpans / seconds);
    }
    return [{ what: "spans a second", value: Math.round(median(rates)).toLocaleString("en"), target: "" }];
  },
};
