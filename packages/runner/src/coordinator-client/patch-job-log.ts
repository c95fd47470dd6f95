import type { CallOptions, JobLogPatchOutcome, JobLogSlice } from "./coordinator-client.ts";
import { CoordinatorError } from "./coordinator-error.ts";
import { type Api, type ApiCall, headerOf } from "./http/api.ts";
import { abortReason, noJobAnswer, readJobAnswer } from "./job-answer.ts";

/**
 * Sends `PATCH jobs/<id>/trace`. Rule: runner-protocol.md §1.9, outcomes in the order given there.
 *
 * `Content-Range` is inclusive and has no unit; the `Range` of a 416 answer names the *next* offset.
 */
export async function patchJobLog(api: Api, slice: JobLogSlice, { signal }: CallOptions): Promise<JobLogPatchOutcome> {
  const { job, bytes, offset, isDebugTrace } = slice;
  const call: ApiCall = {
    operation: "patch job log",
    method: "PATCH",
    path: `jobs/${job.id}/trace`,
    query: { debug_trace: String(isDebugTrace) },
    headers: {
      "content-type": "text/plain",
      "content-range": `${offset}-${offset + bytes.length - 1}`,
      "job-token": job.jobToken,
    },
    body: () => bytes,
    signal,
  };
  try {
    const answer = await api.call(call);
    const { finalStatus, ...told } = readJobAnswer(answer);
    const lost = abortReason(answer.status, finalStatus);
    if (lost !== undefined) return { ...told, kind: "abort", why: lost };
    if (answer.status === 202) return { ...told, kind: "stored" };
    if (answer.status === 404) return { ...told, kind: "not-found" };
    if (answer.status === 416) return { ...told, kind: "resume-at", offset: nextOffset(headerOf(answer, "range")) };
    return { ...told, kind: "failed", why: api.unexpected(call, answer) };
  } catch (error) {
    if (error instanceof CoordinatorError) return { ...noJobAnswer, kind: "failed", why: error };
    throw error;
  }
}

/** `0-1200` → 1200; a missing or malformed header means the start. */
function nextOffset(range: string | undefined): number {
  const end = /^\d+-(\d+)$/.exec(range?.trim() ?? "")?.[1];
  const offset = Number(end ?? 0);
  return Number.isSafeInteger(offset) ? offset : 0;
}
