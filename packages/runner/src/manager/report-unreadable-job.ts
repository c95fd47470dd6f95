import { crc32 } from "node:zlib";
import type { Log } from "@jobscope/labkit";
import type { CoordinatorClient } from "../coordinator-client/coordinator-client.ts";
import type { CoordinatorError } from "../coordinator-client/coordinator-error.ts";
import type { JobLogSource } from "../coordinator-client/job-log-source.ts";
import { JobReporter } from "../coordinator-client/job-reporter.ts";

export interface UnreadableJob {
  readonly jobId: number | undefined;
  readonly jobToken: string | undefined;
  readonly why: CoordinatorError;
}

/**
 * Fails a job whose payload cannot be read, with the reason in its log. Upstream loses such a job, and it stays "running"
 * until the coordinator gives it up (runner-protocol.md §1.8).
 */
export async function reportUnreadableJob(
  { jobId, jobToken, why }: UnreadableJob,
  deps: { readonly client: CoordinatorClient; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  const log = deps.log.child({ "ci.job.id": jobId });
  log.error("job cannot be read", { err: why });
  if (jobId === undefined || jobToken === undefined) return;
  const reporter = new JobReporter({
    job: { id: jobId, jobToken },
    client: deps.client,
    source: fixedLog(`\u001b[31;1mERROR: Job failed (system failure): ${why.message}\u001b[0;m\n`),
    isDebugTrace: false,
    log,
    finalUpdateRetryLimit: 3,
    usesDynamicForceSendInterval: false,
    onCancel: () => {},
    onAbort: () => {},
  });
  try {
    await reporter.acknowledge(deps.signal);
    await reporter.finish({ state: "failed", failureReason: "runner_system_failure" }, deps.signal);
  } catch (error) {
    log.error("unreadable job could not be reported", { err: error });
  }
}

function fixedLog(text: string): JobLogSource {
  const bytes = Buffer.from(text);
  return {
    byteLength: bytes.length,
    crc32: () => crc32(bytes).toString(16).padStart(8, "0"),
    read: async (offset, maxBytes) => bytes.subarray(offset, offset + maxBytes),
  };
}
