import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { createCollectorClient, type TraceReader } from "@jobscope/collector/client";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { Benchmark } from "./support/figures.ts";
import { quantile } from "./support/figures.ts";
import { startJobscope } from "./support/jobscope-process.ts";
import { stageSpans } from "./support/stage-spans.ts";
import { untilCollectorRuns } from "./support/until-collector-runs.ts";

const spansPerRequest = 1_000;
const senders = 32;
const warmUpMs = 5_000;
const measuredMs = 15_000;

/** Spans per second through `jobscope collector` into ClickHouse, and how long a request waits until it is stored. */
export const collectorIngest: Benchmark = {
  name: "collector-ingest",
  title: "Through the collector into ClickHouse",
  method:
    `${senders} connections post requests of ${spansPerRequest} spans of 14 attributes, each with ids of its own, over ` +
    `OTLP/HTTP protobuf to \`jobscope collector\` with the engine in its process, for ${measuredMs / 1_000} s after a ` +
    "warm-up; collector, engine and sender share the machine. A request is answered once its rows are stored and can be " +
    "read; rows are counted by SQL at the end.",
  async run() {
    await using collector = await startJobscope((directory) => [
      "collector",
      ...["--data", directory, "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "none", "--api", "127.0.0.1:0"],
    ]);
    const { apiUrl, otlpHttpUrl } = await untilCollectorRuns(join(collector.directory, "store"));
    await using reader = createCollectorClient({ apiUrl });
    const template = makeTemplate();

    await sendFor(warmUpMs, otlpHttpUrl, template);
    const before = await storedRows(reader);
    const [senderCpu, collectorCpu] = [process.cpuUsage(), await cpuSecondsOf(collector.pid)];
    const startedAt = performance.now();
    const answers = await sendFor(measuredMs, otlpHttpUrl, template);
    const seconds = (performance.now() - startedAt) / 1_000;
    const rows = (await storedRows(reader)) - before;
    const { user, system } = process.cpuUsage(senderCpu);
    const collectorShare = ((await cpuSecondsOf(collector.pid)) - collectorCpu) / seconds;

    const accepted = answers.filter(({ status }) => status === 200);
    const waits = accepted.map(({ ms }) => ms);
    return [
      { what: "spans stored per second", value: (rows / seconds).toFixed(0), target: "≥ 50,000" },
      { what: "from sending to readable rows, p50", value: `${quantile(waits, 0.5).toFixed(0)} ms`, target: "" },
      {
        what: "from sending to readable rows, p95",
        value: `${quantile(waits, 0.95).toFixed(0)} ms`,
        target: "< 1,000 ms",
      },
      {
        what: "rows stored that were not acknowledged",
        value: `${rows - accepted.length * spansPerRequest}`,
        target: "0",
      },
      {
        what: "requests refused or failed",
        value: `${answers.length - accepted.length} of ${answers.length}`,
        target: "",
      },
      { what: "cores used by collector and engine", value: collectorShare.toFixed(2), target: "" },
      { what: "cores used by the sender", value: ((user + system) / 1e6 / seconds).toFixed(2), target: "" },
      { what: "resident memory at the end", value: mebibytes(await collector.residentBytes()), target: "" },
    ];
  },
};

interface Answer {
  readonly status: number;
  readonly ms: number;
}

/** A serialised request, and where its trace id stands in it: other ids there make other spans of it. */
interface Template {
  readonly bytes: Buffer;
  readonly traceIdOffsets: readonly number[];
}

function makeTemplate(): Template {
  const spans = stageSpans(spansPerRequest);
  const bytes = Buffer.from(ProtobufTraceSerializer.serializeRequest(spans) ?? []);
  const traceId = Buffer.from(spans[0]?.spanContext().traceId ?? "", "hex");
  const traceIdOffsets: number[] = [];
  for (let at = bytes.indexOf(traceId); at >= 0; at = bytes.indexOf(traceId, at + 16)) traceIdOffsets.push(at);
  return { bytes, traceIdOffsets };
}

async function sendFor(ms: number, url: string, template: Template): Promise<Answer[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: senders });
  const until = performance.now() + ms;
  const answers: Answer[] = [];
  const sendInTurn = async () => {
    while (performance.now() < until) {
      const startedAt = performance.now();
      const status = await post(agent, `${url}/v1/traces`, withOtherTraceId(template));
      answers.push({ status, ms: performance.now() - startedAt });
    }
  };
  await Promise.all(Array.from({ length: senders }, sendInTurn));
  agent.destroy();
  return answers;
}

function withOtherTraceId({ bytes, traceIdOffsets }: Template): Buffer {
  const body = Buffer.from(bytes);
  const traceId = randomBytes(16);
  for (const at of traceIdOffsets) body.set(traceId, at);
  return body;
}

function post(agent: Agent, url: string, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/x-protobuf", "Content-Length": body.length };
    const sent = request(url, { method: "POST", agent, headers, timeout: 30_000 }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function storedRows(reader: TraceReader): Promise<number> {
  const { body } = await reader.sql("SELECT count() FROM otel_traces", { format: "TabSeparated" });
  return Number(Buffer.from(body).toString());
}

/** CPU time of a process so far, from /proc (clock ticks of 10 ms). */
async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
