import type { DataFormat } from "@clickhouse/client";
import type { z } from "zod";
import type { Engine } from "../store/engine.ts";
import { StoreError } from "../store/store-error.ts";
import { storeErrorOf } from "../store/store-error-of.ts";
import type { ListFilter, StoredTrace, TraceReader } from "../stored-trace.ts";
import { spansOfJob } from "./job-spans.ts";
import { pipelineSummaries } from "./pipeline-summaries.ts";
import { createSlots } from "./slots.ts";
import { assertOnlyReads } from "./sql-guard.ts";
import { jobSummarySchema, storedSpanSchema } from "./stored-rows.ts";
import { jobsOfPipelinesQuery, jobsQuery, maxTraceSpans, traceOfJobQuery, traceQuery } from "./trace-queries.ts";

const defaultLimit = 50;
/** Jobs that are read to put pipelines together; more than GitLab allows a page of pipelines to have. */
const maxPipelineJobs = 20_000;

/** The reader, without the end of its life: the engine belongs to who opened it. */
export type StoreReader = Omit<TraceReader, typeof Symbol.asyncDispose>;

/**
 * Reads traces from a store. Methods throw {@link StoreError}.
 *
 * At most two queries run at once and 32 wait.
 */
export function createStoreReader(engine: Engine): StoreReader {
  const inSlot = createSlots({ running: 2, waiting: 32 });

  async function rows<T>(
    name: string,
    query: string,
    params: Record<string, unknown>,
    schema: z.ZodType<T>,
  ): Promise<T[]> {
    try {
      const answer = await inSlot(() =>
        engine.reader.query({
          query,
          query_params: params,
          format: "JSONEachRow",
          clickhouse_settings: engine.readSettings,
        }),
      );
      return schema.array().parse(await answer.json());
    } catch (error) {
      throw storeErrorOf(error, name);
    }
  }

  async function getTrace(traceId: string): Promise<StoredTrace | undefined> {
    const spans = await rows("trace", traceQuery, { traceId }, storedSpanSchema);
    if (spans.length === 0) return undefined;
    return { traceId, spans: spans.slice(0, maxTraceSpans), truncated: spans.length > maxTraceSpans };
  }

  return {
    getTrace,
    async getJobTrace(jobId) {
      const [found] = await rows("trace of job", traceOfJobQuery, { jobId }, traceOfJobSchema);
      const trace = found === undefined ? undefined : await getTrace(found.traceId);
      return trace === undefined ? undefined : { ...trace, spans: spansOfJob(trace.spans, jobId) };
    },
    async listJobs(filter = {}) {
      const params = { ...filterParams(filter), limit: filter.limit ?? defaultLimit };
      return await rows("jobs", jobsQuery, params, jobSummarySchema);
    },
    async listPipelines(filter = {}) {
      const pipelines = filter.limit ?? defaultLimit;
      const params = { ...filterParams(filter), pipelines, limit: maxPipelineJobs };
      return pipelineSummaries(await rows("pipelines", jobsOfPipelinesQuery, params, jobSummarySchema));
    },
    async sql(query, { format = "PrettyCompact" } = {}) {
      if (query.trim() === "")
        throw new StoreError({ code: "rejected", operation: "sql", retryable: false, detail: "the query is empty" });
      return await inSlot(async () => {
        await assertOnlyReads(engine, query);
        return { body: await run(engine, query, format) };
      });
    },
  };
}

const traceOfJobSchema = storedSpanSchema.pick({ traceId: true });

function filterParams({ projectId = "0", pipelineId = "" }: ListFilter): Record<string, unknown> {
  return { projectId, pipelineId };
}

async function run({ reader, readSettings }: Engine, query: string, format: string): Promise<Uint8Array> {
  try {
    // Typed as the formats of the client's time; an engine may know others, and refuses what it does not know.
    const settings = { ...readSettings, default_format: format as DataFormat };
    const { stream } = await reader.exec({ query, clickhouse_settings: settings });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  } catch (error) {
    throw storeErrorOf(error, "sql", { showEngineMessage: true });
  }
}
