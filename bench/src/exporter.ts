import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEndpointPool, silentLog } from "@jobscope/labkit";
import { startDiscardingReceiver } from "./support/discarding-receiver.ts";
import type { Benchmark, Figure } from "./support/figures.ts";
import { median } from "./support/figures.ts";
import { stageSpans } from "./support/stage-spans.ts";

const spansPerRun = 200_000;
/** So many are given at once, and delivered before the next: more than that the spool does not wait for the disk with. */
const spansAtOnce = 5_000;
const runs = 5;

/** Spans per second through one telemetry endpoint of labkit, without a spool and with one. */
export const exporter: Benchmark = {
  name: "exporter",
  title: "The exporter",
  method:
    `${spansPerRun} stage spans with 14 attributes each through one endpoint over OTLP/HTTP into a receiver that throws ` +
    `them away, in the same process, ${spansAtOnce} at once; median of ${runs} runs. With a spool, spans are written to ` +
    "disk until they are accepted.",
  async run() {
    await using receiver = await startDiscardingReceiver();
    const kinds = [
      { what: "spans a second, in memory", fsync: undefined },
      { what: "spans a second, with a spool, fsync never", fsync: "never" },
      { what: "spans a second, with a spool, fsync always", fsync: "always" },
    ] as const;
    const figures: Figure[] = [];
    for (const { what, fsync } of kinds) {
      const rates: number[] = [];
      for (let run = 0; run <= runs; run++) rates.push(await spansPerSecond(receiver.url, fsync));
      // The first one warms up.
      figures.push({ what, value: Math.round(median(rates.slice(1))).toLocaleString("en"), target: "" });
    }
    return figures;
  },
};

async function spansPerSecond(url: string, fsync: "never" | "always" | undefined): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "jobscope-bench-"));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rm(directory, { recursive: true }));
  const spool = fsync === undefined ? {} : { spool: { directory, limits: { fsync } } };
  await using pool = createEndpointPool({ log: silentLog, ...spool });
  const endpoint = pool.endpoint({ url });
  const spans = stageSpans(spansPerRun);
  const startedAt = performance.now();
  for (let from = 0; from < spansPerRun; from += spansAtOnce) {
    for (const span of spans.slice(from, from + spansAtOnce)) endpoint.enqueue(span);
    await endpoint.flush({ signal: AbortSignal.timeout(60_000) });
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const { exportedSpans } = endpoint.stats();
  if (exportedSpans !== spansPerRun) throw new Error(`exported ${exportedSpans} of ${spansPerRun} spans`);
  return exportedSpans / seconds;
}
