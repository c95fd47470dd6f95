import type { FailureReason } from "../coordinator-client/failure-reason.ts";
import type { JobInterruption } from "./job-interruption.ts";

/** How a job ended. What is reported to the coordinator, to the trace and to the metrics is made of this alone. */
export type JobVerdict =
  | { readonly state: "success" }
  | {
      readonly state: "failed";
      /** Not yet mapped to what the coordinator understands. */
      readonly failureReason: FailureReason;
      /** Exit code of the script that failed, when a script failed. */
      readonly exitCode?: number | undefined;
      /** One line without secrets: the text after `Job failed:` in the job log. */
      readonly message: string;
      /** Set when the job ended because it was interrupted. */
      readonly interruptedBy?: JobInterruption["by"] | undefined;
    };
