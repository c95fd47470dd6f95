import { z } from "zod";
import type { JobView, PipelineView } from "../pipeline-view.ts";
import type { PipelinePlan } from "../plan-view.ts";
import type { PlayableJob } from "./playable-job.ts";

/* What the routes of work trees answer. They send `null` for what is `undefined`. */

function maybe<T extends z.ZodType>(schema: T) {
  return schema.nullable().transform((value) => value ?? undefined);
}

const jobState = z.enum([
  ...["created", "waiting_for_resource", "pending", "running", "canceling", "success"],
  ...["failed", "canceled", "skipped", "manual", "scheduled"],
] as const);

const job: z.ZodType<JobView> = z.object({
  id: z.number(),
  pipelineId: z.number(),
  name: z.string(),
  pipelineStage: z.string(),
  state: jobState,
  attempt: z.number(),
  retried: z.boolean(),
  allowFailure: z.boolean(),
  when: z.string(),
  failureReason: maybe(z.string()),
  exitCode: maybe(z.number()),
  needs: maybe(z.array(z.string())),
  tags: z.array(z.string()),
  createdAtMs: z.number(),
  queuedAtMs: maybe(z.number()),
  startedAtMs: maybe(z.number()),
  finishedAtMs: maybe(z.number()),
  coverage: maybe(z.number()),
  artifacts: z.array(
    z.object({
      type: z.string(),
      format: z.string(),
      filename: z.string(),
      sizeBytes: z.number(),
      expiresAtMs: maybe(z.number()),
    }),
  ),
  runner: maybe(z.object({ id: z.number(), description: z.string(), systemId: z.string() })),
  runningSpanId: z.string(),
});

export const projectIds = z.array(z.object({ id: z.number() }));

/** What the control API tells of a job that somebody may start. */
export const playableJobs = z.array(
  z
    .object({
      id: z.number(),
      name: z.string(),
      pipeline: z.object({ id: z.number(), project_id: z.number() }),
      manual_confirmation: z.string().nullable(),
      job_inputs: z.record(z.string(), z.object({ type: z.string() })),
    })
    .transform(
      (wire): PlayableJob => ({
        id: wire.id,
        name: wire.name,
        pipelineId: wire.pipeline.id,
        projectId: wire.pipeline.project_id,
        confirmation: wire.manual_confirmation ?? undefined,
        inputTypes: new Map(Object.entries(wire.job_inputs).map(([name, { type }]) => [name, type])),
      }),
    ),
);

const pipeline: z.ZodType<PipelineView> = z.object({
  id: z.number(),
  iid: z.number(),
  projectId: z.number(),
  projectPath: z.string(),
  name: maybe(z.string()),
  state: jobState,
  ref: z.string(),
  sha: z.string(),
  source: z.string(),
  traceId: z.string(),
  spanId: z.string(),
  createdAtMs: z.number(),
  startedAtMs: maybe(z.number()),
  finishedAtMs: maybe(z.number()),
  pipelineStages: z.array(z.string()),
});

const plan: z.ZodType<PipelinePlan> = z.object({
  jobs: z.array(
    z.object({
      name: z.string(),
      baseName: z.string(),
      pipelineStage: z.string(),
      when: z.enum(["on_success", "on_failure", "always", "manual", "delayed"]),
      allowFailure: z.boolean(),
      needs: maybe(z.array(z.string())),
      tags: z.array(z.string()),
      image: maybe(z.string()),
      services: z.array(z.string()),
      usesFunctions: z.boolean(),
    }),
  ),
  pipelineStages: z.array(z.string()),
  excludedJobs: z.array(z.string()),
  name: maybe(z.string()),
  ref: z.string(),
  sha: z.string(),
  hasUncommittedChanges: z.boolean(),
  warnings: z.array(z.string()),
});

/** A pipeline with its jobs, as at the moment of the answer. */
export const pipelineSnapshot = z.object({ pipeline, jobs: z.array(job), isSettled: z.boolean() });
export type PipelineSnapshot = z.infer<typeof pipelineSnapshot>;

/** A plan that waits to be started. */
export const storedPlan = z.object({ id: z.number(), plan });

/** A refusal: of GitLab's shape, with our own code where it is ours. */
export const refusal = z.object({
  message: z.string(),
  code: z.string().optional(),
  problems: z.array(z.string()).default([]),
});
