import type { PipelineRequest } from "@jobscope/coordinator";
import type { ExecOptions } from "./exec-options.ts";

/** The request for the coordinator; `signal` gives up taking the snapshot. */
export function pipelineRequest(
  { repository, jobs, variables }: Pick<ExecOptions, "repository" | "jobs" | "variables">,
  signal: AbortSignal,
): PipelineRequest {
  return { repository, variables, signal, ...(jobs.length === 0 ? {} : { jobs }) };
}
