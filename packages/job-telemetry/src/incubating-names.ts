import type * as incubating from "@opentelemetry/semantic-conventions/incubating";

// Names of OpenTelemetry's conventions that are release candidates. Their package spells them in one module of a megabyte;
// its types check the spelling here, and nothing of it is loaded.

export const ATTR_CICD_PIPELINE_NAME: typeof incubating.ATTR_CICD_PIPELINE_NAME = "cicd.pipeline.name";
export const ATTR_CICD_PIPELINE_RUN_ID: typeof incubating.ATTR_CICD_PIPELINE_RUN_ID = "cicd.pipeline.run.id";
export const ATTR_CICD_PIPELINE_RUN_URL_FULL: typeof incubating.ATTR_CICD_PIPELINE_RUN_URL_FULL =
  "cicd.pipeline.run.url.full";
export const ATTR_CICD_PIPELINE_TASK_NAME: typeof incubating.ATTR_CICD_PIPELINE_TASK_NAME = "cicd.pipeline.task.name";
export const ATTR_CICD_PIPELINE_TASK_RUN_ID: typeof incubating.ATTR_CICD_PIPELINE_TASK_RUN_ID =
  "cicd.pipeline.task.run.id";
export const ATTR_CICD_PIPELINE_TASK_RUN_RESULT: typeof incubating.ATTR_CICD_PIPELINE_TASK_RUN_RESULT =
  "cicd.pipeline.task.run.result";
export const ATTR_CICD_PIPELINE_TASK_RUN_URL_FULL: typeof incubating.ATTR_CICD_PIPELINE_TASK_RUN_URL_FULL =
  "cicd.pipeline.task.run.url.full";
export const ATTR_CICD_WORKER_ID: typeof incubating.ATTR_CICD_WORKER_ID = "cicd.worker.id";
export const ATTR_CICD_WORKER_NAME: typeof incubating.ATTR_CICD_WORKER_NAME = "cicd.worker.name";
export const ATTR_HOST_ARCH: typeof incubating.ATTR_HOST_ARCH = "host.arch";
export const ATTR_HOST_NAME: typeof incubating.ATTR_HOST_NAME = "host.name";
export const ATTR_OS_TYPE: typeof incubating.ATTR_OS_TYPE = "os.type";
export const ATTR_VCS_CHANGE_ID: typeof incubating.ATTR_VCS_CHANGE_ID = "vcs.change.id";
export const ATTR_VCS_REF_HEAD_NAME: typeof incubating.ATTR_VCS_REF_HEAD_NAME = "vcs.ref.head.name";
export const ATTR_VCS_REF_HEAD_REVISION: typeof incubating.ATTR_VCS_REF_HEAD_REVISION = "vcs.ref.head.revision";
export const ATTR_VCS_REF_TYPE: typeof incubating.ATTR_VCS_REF_TYPE = "vcs.ref.type";
export const ATTR_VCS_REPOSITORY_URL_FULL: typeof incubating.ATTR_VCS_REPOSITORY_URL_FULL = "vcs.repository.url.full";
