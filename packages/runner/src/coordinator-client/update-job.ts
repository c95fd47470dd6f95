import type { CallOptions, JobUpdate, JobUpdateOutcome } from "./coordinator-client.ts";
import { CoordinatorError } from "./coordinator-error.ts";
import type { Api, ApiCall } from "./http/api.ts";
import { abortReason, noJobAnswer, readJobAnswer } from "./job-answer.ts";
import type { RunnerInfo } from "./wire/runner-info.ts";

/** Sends `PUT jobs/<id>`. Rule: runner-protocol.md §1.10, outcomes in the order given there. */
export async function updateJob(
  api: Api,
  info: RunnerInfo,
  update: JobUpdate,
  { signal }: CallOptions,
): Promise<JobUpdateOutcome> {
  const body = JSON.stringify(toWire(info, update));
  const call: ApiCall = {
    operation: "update job",
    method: "PUT",
    path: `jobs/${update.job.id}`,
    headers: { "content-type": "application/json", "job-token": update.job.jobToken },
    body: () => body,
    signal,
  };
  try {
    const answer = await api.call(call);
    const { finalStatus, ...told } = readJobAnswer(answer);
    // The answer to a final state tells that state: nothing is aborted by it.
    if (answer.status === 200 && update.state !== "running") return { ...told, kind: "stored" };
    const lost = abortReason(answer.status, finalStatus);
    if (lost !== undefined) return { ...told, kind: "abort", why: lost };
    if (answer.status === 200) return { ...told, kind: "stored" };
    if (answer.status === 202) return { ...told, kind: "accepted" };
    if (answer.status === 412) return { ...told, kind: "log-mismatch" };
    if (answer.status === 404) return { ...told, kind: "abort", why: "the coordinator does not know the job (404)" };
    return { ...told, kind: "failed", why: api.unexpected(call, answer) };
  } catch (error) {
    if (error instanceof CoordinatorError) return { ...noJobAnswer, kind: "failed", why: error };
    throw error;
  }
}

/** GitLab's spelling; absent values are left out, `output` never is. */
function toWire(info: RunnerInfo, { job, state, failureReason, exitCode, log }: JobUpdate) {
  const checksum = log === undefined ? undefined : `crc32:${log.crc32}`;
  return {
    info,
    token: job.jobToken,
    state,
    failure_reason: failureReason,
    checksum,
    output: log === undefined ? {} : { checksum, bytesize: log.byteLength === 0 ? undefined : log.byteLength },
    exit_code: exitCode === undefined || exitCode === 0 ? undefined : exitCode | 0,
  };
}
