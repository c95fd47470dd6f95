import { arch, hostname, platform } from "node:os";
import type { Attributes } from "@opentelemetry/api";
import { SDK_INFO } from "@opentelemetry/core";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from "@opentelemetry/semantic-conventions";
import { ATTR_HOST_ARCH, ATTR_HOST_NAME, ATTR_OS_TYPE } from "../incubating-names.ts";
import type { JobFacts, RunnerFacts } from "../job-facts.ts";
import type { SpanValues } from "./span-values.ts";

/** OpenTelemetry's words for what Node calls otherwise. */
const archOf: Readonly<Record<string, string>> = { x64: "amd64", ia32: "x86", arm: "arm32", ppc: "ppc32" };
const osOf: Readonly<Record<string, string>> = { win32: "windows", sunos: "solaris" };

/**
 * The resource of one job's spans: who sent them. The ids are on the spans too: GitLab's design reads them here, its
 * shipped runner writes them there.
 *
 * Rule: telemetry.md §2, "Resource".
 */
export function jobResource(options: {
  serviceName: string;
  job: JobFacts;
  runner: RunnerFacts;
  values: SpanValues;
}): Resource {
  const { job, runner, values } = options;
  const own: Attributes = {
    [ATTR_SERVICE_NAME]: values.text(options.serviceName),
    [ATTR_SERVICE_VERSION]: values.text(runner.version),
    [ATTR_SERVICE_INSTANCE_ID]: values.text(runner.systemId),
    "ci.job.id": job.jobId,
    "ci.pipeline.id": values.text(job.pipelineId),
    "ci.project.id": job.projectId,
    "ci.runner.id": runner.id,
    "ci.runner_manager.system_xid": values.text(runner.systemId),
    [ATTR_HOST_NAME]: values.text(hostname()),
    [ATTR_HOST_ARCH]: archOf[arch()] ?? arch(),
    [ATTR_OS_TYPE]: osOf[platform()] ?? platform(),
  };
  return resourceFromAttributes({ ...SDK_INFO, ...own });
}
