import type { JobFacts } from "@jobscope/job-telemetry";
import type { Job } from "../coordinator-client/job.ts";

/** What the job's spans tell of it, most of it from the variables GitLab predefines. Rule: telemetry.md §2. */
export function jobFacts(job: Job): JobFacts {
  const values = new Map(job.variables.filter(({ isFile }) => !isFile).map(({ key, value }) => [key, value]));
  const text = (key: string) => values.get(key) || undefined;
  const refType = job.git.refType === "tag" ? "tag" : job.git.refType === "branch" ? "branch" : undefined;
  return {
    jobId: job.id,
    projectId: job.project.id,
    pipelineId: text("CI_PIPELINE_ID") ?? (job.pipelineId > 0 ? String(job.pipelineId) : ""),
    pipelineSource: text("CI_PIPELINE_SOURCE"),
    pipelineIid: text("CI_PIPELINE_IID"),
    pipelineName: text("CI_PIPELINE_NAME"),
    pipelineUrl: text("CI_PIPELINE_URL"),
    jobName: job.name || text("CI_JOB_NAME"),
    pipelineStage: job.pipelineStage || text("CI_JOB_STAGE"),
    jobUrl: text("CI_JOB_URL"),
    timeoutS: job.timeoutMs / 1000,
    queuedDurationS: job.queuedDurationS,
    projectPath: job.project.fullPath || text("CI_PROJECT_PATH"),
    repositoryUrl: text("CI_REPOSITORY_URL") ?? (job.git.repositoryUrl || undefined),
    ref: job.git.ref || text("CI_COMMIT_REF_NAME"),
    refType,
    sha: job.git.sha || text("CI_COMMIT_SHA"),
    changeId: text("CI_MERGE_REQUEST_IID"),
  };
}
