import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  endpointFaults,
  type FaultyEndpoint,
  makeCertificates,
  startFaultyEndpoint,
  type TestCertificates,
} from "@jobscope/labkit/testing";
import type { Benchmark, Figure } from "./support/figures.ts";
import { median } from "./support/figures.ts";
import { startRunner } from "./support/jobscope-process.ts";
import { type StubJob, startStubCoordinator } from "./support/stub-coordinator.ts";

const pairs = 15;
/** Smaller than what a job sends. */
const maxBytes = 2_000;
/** A payload cannot bring a token that would be accepted here. */
const faults = endpointFaults.filter(({ needsToken }) => needsToken === undefined);

interface Slowdown {
  readonly what: string;
  readonly onMs: number;
  readonly offMs: number;
}

/** What each fault of an endpoint adds to a job: the same job, traced to that endpoint and not traced, in turn. */
export const faultyEndpoints: Benchmark = {
  name: "faulty-endpoints",
  title: "What a faulty endpoint adds to a job",
  method:
    "`jobscope run` with the shell executor, its spool on disk, and one job at a time, against a stub coordinator; a " +
    `trivial job traced to an endpoint with one of ${faults.length} faults over HTTP or gRPC, and untraced, in turn: ` +
    `${pairs} pairs a fault, from hand-out to final state, medians.`,
  async run() {
    const folder = await mkdtemp(join(tmpdir(), "jobscope-bench-"));
    await using cleanUp = new AsyncDisposableStack();
    cleanUp.defer(() => rm(folder, { recursive: true }));
    const certificates = await makeCertificates(folder);
    await using coordinator = await startStubCoordinator();
    await using _runner = await startRunner({ url: coordinator.url, concurrent: 1 });
    await coordinator.run(Array.from({ length: 20 }, () => ({ script: ["true"] })));
    const found: Slowdown[] = [];
    for (const protocol of ["http", "grpc"] as const) {
      for (const fault of faults) found.push(await measure(fault, protocol, certificates));
    }
    return figuresOf(found);

    async function measure(
      fault: (typeof faults)[number],
      protocol: "http" | "grpc",
      certificates: TestCertificates,
    ): Promise<Slowdown> {
      await using endpoint: FaultyEndpoint = await startFaultyEndpoint(fault, { protocol, certificates, maxBytes });
      const tracing = { trace_id: "1".padStart(32, "0"), otel_endpoints: [{ url: endpoint.url }] };
      const traced: StubJob = { script: ["true"], tracing };
      const untraced: StubJob = { script: ["true"] };
      const results = await coordinator.run(Array.from({ length: pairs }, () => [traced, untraced]).flat());
      const durationOf = (kind: StubJob): number =>
        median(results.filter(({ job }) => job === kind).map(({ handedOutAt, endedAt }) => endedAt - handedOutAt));
      return { what: `${fault.name}, ${protocol}`, onMs: durationOf(traced), offMs: durationOf(untraced) };
    }
  },
};

function figuresOf(found: readonly Slowdown[]): Figure[] {
  const worstFirst = found.toSorted((a, b) => b.onMs - b.offMs - (a.onMs - a.offMs));
  const shown = worstFirst
    .slice(0, 3)
    .map((slowdown, index) => figure(`worst, ${index + 1}: ${slowdown.what}`, slowdown));
  const middle = worstFirst[Math.floor(worstFirst.length / 2)];
  return middle === undefined ? shown : [...shown, figure(`median of ${found.length}: ${middle.what}`, middle)];
}

function figure(what: string, { onMs, offMs }: Slowdown): Figure {
  const value = `${(onMs / offMs).toFixed(3)} (${onMs.toFixed(1)} ms, ${offMs.toFixed(1)} ms without: ${(onMs - offMs).toFixed(1)} ms)`;
  return { what, value, target: "< 50 ms" };
}
