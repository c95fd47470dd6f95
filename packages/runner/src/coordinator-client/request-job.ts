import type { CallOptions, JobRequestOutcome } from "./coordinator-client.ts";
import { CoordinatorError } from "./coordinator-error.ts";
import { type Api, type ApiCall, headerOf, isJson } from "./http/api.ts";
import { readJob } from "./read-job.ts";
import type { RunnerInfo } from "./wire/runner-info.ts";

/** Who asks. */
export interface JobRequester {
  readonly info: RunnerInfo;
  readonly runnerToken: string;
  readonly systemId: string;
  /** The newest `X-GitLab-Last-Update`, sent back as it came; the long polling of runner-protocol.md §1.7. */
  lastUpdate: string | undefined;
}

/** Sends `POST jobs/request`. @throws {CoordinatorError} for every answer but 201, 204 and 403. */
export async function requestJob(
  api: Api,
  requester: JobRequester,
  { signal }: CallOptions,
): Promise<JobRequestOutcome> {
  const { info, runnerToken, systemId, lastUpdate } = requester;
  const body = JSON.stringify({ info, token: runnerToken, system_id: systemId, last_update: lastUpdate });
  const call: ApiCall = {
    operation: "request job",
    method: "POST",
    path: "jobs/request",
    headers: { "content-type": "application/json", accept: "application/json", "runner-token": runnerToken },
    body: () => body,
    signal,
  };
  const answer = await api.call(call);
  const cursor = headerOf(answer, "x-gitlab-last-update");
  if (cursor !== undefined && cursor !== "") requester.lastUpdate = cursor;

  if (answer.status === 204) return { kind: "no-job", repeated: answer.repeated };
  if (answer.status === 403) return { kind: "refused", why: api.unexpected(call, answer) };
  if (answer.status !== 201) throw api.unexpected(call, answer);

  const read = readJob(parseJson(isJson(answer) ? answer.body : ""), {
    correlationId: answer.requestId,
    serverCertificateChain: api.certificateChain,
  });
  if (read.kind === "job") return { kind: "job", job: read.job, repeated: answer.repeated };
  const problems = isJson(answer) ? read.problems.join("; ") : "the answer is not application/json";
  const why = new CoordinatorError(`the coordinator handed out a job that cannot be read: ${problems}`, {
    operation: "request job",
    status: 201,
    retryable: false,
  });
  return { kind: "unreadable-job", jobId: read.jobId, jobToken: read.jobToken, why };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Read as an unreadable job, which is reported with its reason.
  }
}
