import { checkRunMode } from "../functions/check-run-mode.ts";
import type { JobContext } from "../job-context.ts";
import { JobFailure } from "../job-failure.ts";
import type { JobLogLines } from "../log/job-log.ts";

/**
 * Fails a job that asks for what this runner does not have, before anything of it runs.
 *
 * @throws {JobFailure} `runner_configuration_error`, as GitLab's runner says of such jobs (runner-protocol.md §2.7);
 *   `runner_system_failure` for a `run:` job that is also something else.
 */
export function refuseUnsupported({ options }: JobContext, lines: JobLogLines): void {
  const { job } = options;
  const secrets = Object.keys(job.secrets ?? {});
  if (job.secrets !== undefined) {
    lines.startSection("resolve_secrets", "Resolving secrets");
    lines.endSection("resolve_secrets");
  }
  if (secrets.length > 0) {
    throw new JobFailure(
      `resolving secrets: this runner has no secret providers, but the job wants ${secrets.join(", ")}`,
      { reason: "runner_configuration_error" },
    );
  }
  checkRunMode(job);
}
