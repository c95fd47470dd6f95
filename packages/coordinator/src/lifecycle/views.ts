import type { JobView, PipelineView } from "../pipeline-view.ts";
import { spanIdOf, traceIdOf } from "../telemetry/trace-ids.ts";
import type { JobRecord, PipelineRecord, ProjectRecord } from "./records.ts";

/** A job as readers see it. */
export function viewJob(job: JobRecord, rootPipelineId: number): JobView {
  return Object.freeze({
    id: job.id,
    pipelineId: job.pipelineId,
    name: job.plan.name,
    pipelineStage: job.plan.pipelineStage,
    state: job.state,
    attempt: job.attempt,
    retried: job.isRetried,
    allowFailure: job.allowFailure,
    when: job.plan.when,
    failureReason: job.failureReason,
    exitCode: job.exitCode,
    needs: job.plan.needs?.map(({ name }) => name),
    tags: job.plan.tags,
    createdAtMs: job.createdAtMs,
    queuedAtMs: job.queuedAtMs,
    startedAtMs: job.startedAtMs,
    finishedAtMs: job.finishedAtMs,
    coverage: job.coverage,
    artifacts: job.artifacts.map(({ storedAs: _, ...artifact }) => artifact),
    runner: job.runner && {
      id: job.runner.id,
      description: job.runner.description,
      systemId: job.runner.systemId,
    },
    runningSpanId: spanIdOf(`${rootPipelineId}:${job.id}:running`),
  });
}

/** A pipeline as readers see it. */
export function viewPipeline(pipeline: PipelineRecord, project: ProjectRecord): PipelineView {
  return Object.freeze({
    id: pipeline.id,
    iid: pipeline.iid,
    projectId: pipeline.projectId,
    projectPath: project.path,
    name: pipeline.name,
    state: pipeline.state,
    ref: pipeline.facts.ref,
    sha: pipeline.facts.sha,
    source: pipeline.facts.source,
    traceId: traceIdOf(pipeline.rootPipelineId),
    spanId: spanIdOf(`pipeline:${pipeline.rootPipelineId}`),
    createdAtMs: pipeline.createdAtMs,
    startedAtMs: pipeline.startedAtMs,
    finishedAtMs: pipeline.finishedAtMs,
    pipelineStages: pipeline.pipelineStages,
  });
}
