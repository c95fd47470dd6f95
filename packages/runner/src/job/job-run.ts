import type { StageSpan } from "@jobscope/job-telemetry";
import type { ExecutorSession } from "../executors/executor.ts";
import type { Workspace } from "../workspace/workspace.ts";
import type { JobContext } from "./job-context.ts";
import type { JobLifetime } from "./job-lifetime.ts";
import type { JobLog, JobLogLines } from "./log/job-log.ts";

/** A job on its way: what its stages share. */
export interface JobRun extends JobContext {
  readonly log: JobLog;
  /** The runner's own messages. */
  readonly lines: JobLogLines;
  readonly lifetime: JobLifetime;
  /** The span that sections in the log belong to; set by whoever runs a script of the user's. */
  readonly sectionSpan: { current: Pick<StageSpan, "recordSection"> | undefined };
}

/** A job whose executor is ready. */
export interface PreparedRun extends JobRun {
  readonly session: ExecutorSession;
  /** Does what stages do to files. */
  readonly workspace: Workspace;
}
