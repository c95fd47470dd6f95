import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type Log, spansToOtlpJson } from "@jobscope/labkit";
import type { CoordinatorClient } from "../coordinator-client/coordinator-client.ts";
import type { Job } from "../coordinator-client/job.ts";
import type { SpanProcessor } from "./span-processor.ts";

const compress = promisify(gzip);

/** The upload is tried once, for so long: the job's final state waits for it, since its token is of no use afterwards. */
const uploadTimeoutMs = 10_000;

type EndedSpan = Parameters<SpanProcessor["onEnd"]>[0];

/** The spans of one job that no endpoint gets. As many as a job may have (`max_spans_per_job`). */
export interface OfflineTrace {
  readonly processor: SpanProcessor;
  /**
   * Gives the spans to the coordinator as an artifact of the job: OTLP JSON, gzipped. Its type is the one that GitLab has
   * for what a runner observes of a job (`metrics_referee`): it takes no place among the job's own artifacts, and no later
   * job downloads it. Bounded; never throws; a failure is told to the runner log alone.
   */
  upload(to: OfflineUpload): Promise<void>;
}

export interface OfflineUpload {
  readonly job: Job;
  readonly client: Pick<CoordinatorClient, "uploadArtifact">;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export function createOfflineTrace(): OfflineTrace {
  const spans: EndedSpan[] = [];
  return {
    processor: {
      onStart() {},
      onEnd: (span) => void spans.push(span),
      async forceFlush() {},
      async shutdown() {},
    },
    async upload({ job, client, log, signal }) {
      try {
        const content = await compress(spansToOtlpJson(spans));
        const upload = {
          job: { id: job.id, jobToken: job.jobToken },
          filename: "trace.otlp.json.gz",
          open: async function* () {
            yield content;
          },
          type: "metrics_referee",
          format: "gzip",
          expireIn: "",
        };
        const bounded = AbortSignal.any([signal, AbortSignal.timeout(uploadTimeoutMs)]);
        const outcome = await client.uploadArtifact(upload, { signal: bounded });
        if (outcome.kind !== "stored") log.warn("the trace could not be kept as an artifact", { err: outcome.why });
      } catch (error) {
        log.warn("the trace could not be kept as an artifact", { err: error });
      }
    },
  };
}
