import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { ArtifactDownload, ArtifactDownloadOutcome, CallOptions } from "./coordinator-client.ts";
import { CoordinatorError } from "./coordinator-error.ts";
import { type Api, type ApiCall, headerOf } from "./http/api.ts";

const maxRedirects = 10;

/**
 * Sends `GET jobs/<dependency id>/artifacts` and follows redirects to object storage.
 *
 * The job token goes only to the coordinator's own origin: a signed storage address needs none, and upstream's habit of
 * sending it along would show it to a third party. Rule: runner-protocol.md §1.12.
 */
export async function downloadArtifact(
  api: Api,
  download: ArtifactDownload,
  { signal }: CallOptions,
): Promise<ArtifactDownloadOutcome> {
  const call: ApiCall = {
    operation: "download artifact",
    method: "GET",
    path: `jobs/${download.job.id}/artifacts`,
    ...(download.allowsDirectDownload ? { query: { direct_download: "true" } } : {}),
    headers: { "job-token": download.job.jobToken },
    signal,
  };
  try {
    return await follow(api, call);
  } catch (error) {
    if (error instanceof CoordinatorError) return { kind: "failed", why: error };
    throw error;
  }
}

async function follow(api: Api, call: ApiCall): Promise<ArtifactDownloadOutcome> {
  let target: URL | undefined;
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    const isOwnOrigin = target === undefined || target.origin === api.baseUrl.origin;
    const { headers: _secret, ...bare } = call;
    const answer = await api.open(isOwnOrigin ? call : bare, call.signal, target);
    const location = redirectLocation(answer);
    if (location === undefined) return await classify(api, call, answer, isOwnOrigin ? undefined : target?.host);
    await answer.body.dump();
    target = new URL(location, target ?? api.baseUrl);
  }
  throw new CoordinatorError(`could not download artifact: more than ${maxRedirects} redirects`, {
    operation: "download artifact",
    retryable: false,
  });
}

function redirectLocation(answer: Dispatcher.ResponseData): string | undefined {
  return [301, 302, 303, 307, 308].includes(answer.statusCode) ? headerOf(answer, "location") : undefined;
}

async function classify(
  api: Api,
  call: ApiCall,
  answer: Dispatcher.ResponseData,
  redirectedTo: string | undefined,
): Promise<ArtifactDownloadOutcome> {
  if (answer.statusCode === 200) {
    const length = Number(headerOf(answer, "content-length"));
    const sizeBytes = Number.isSafeInteger(length) && length >= 0 ? length : undefined;
    // A body that is destroyed unread reports that as an error event; nobody listening would end the process.
    answer.body.on("error", () => {});
    return { kind: "archive", body: answer.body as Readable, sizeBytes, redirectedTo };
  }
  await answer.body.dump();
  const why = api.unexpected(call, { status: answer.statusCode, headers: answer.headers, body: "" });
  if (answer.statusCode === 401 || answer.statusCode === 403) return { kind: "forbidden", why };
  if (answer.statusCode === 404) return { kind: "not-found", why };
  return { kind: "failed", why };
}
