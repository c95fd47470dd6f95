import { randomBytes } from "node:crypto";
import type { ArtifactUpload, ArtifactUploadOutcome, CallOptions } from "./coordinator-client.ts";
import { CoordinatorError } from "./coordinator-error.ts";
import { type Api, type ApiAnswer, type ApiCall, headerOf } from "./http/api.ts";

const maxRedirects = 10;

export interface ArtifactTimeouts {
  readonly uploadTimeoutMs: number;
  readonly responseHeaderTimeoutMs: number;
}

/** Sends `POST jobs/<id>/artifacts`: one multipart part named `file`, chunked. Rule: runner-protocol.md §1.12. */
export async function uploadArtifact(
  api: Api,
  timeouts: ArtifactTimeouts,
  upload: ArtifactUpload,
  { signal }: CallOptions,
): Promise<ArtifactUploadOutcome> {
  const boundary = randomBytes(30).toString("hex");
  const call: ApiCall = {
    operation: "upload artifact",
    method: "POST",
    path: `jobs/${upload.job.id}/artifacts`,
    query: filledIn({
      artifact_format: upload.format,
      artifact_type: upload.type,
      expire_in: upload.expireIn,
    }),
    headers: { "content-type": `multipart/form-data; boundary=${boundary}`, "job-token": upload.job.jobToken },
    body: () => multipart(boundary, upload),
    headersTimeoutMs: timeouts.responseHeaderTimeoutMs,
    timeoutMs: timeouts.uploadTimeoutMs,
    signal,
  };
  try {
    return await follow(api, call);
  } catch (error) {
    if (error instanceof CoordinatorError) return { kind: "failed", why: error };
    throw error;
  }
}

/** Redirects replay the body. The job token goes along, but never in the clear to somebody else. */
async function follow(api: Api, call: ApiCall): Promise<ArtifactUploadOutcome> {
  let redirected = call;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await api.call(redirected);
    const location = answer.status === 307 || answer.status === 308 ? headerOf(answer, "location") : undefined;
    if (location === undefined || redirects >= maxRedirects) return classify(api, redirected, answer);
    const target = new URL(location, redirected.target ?? api.baseUrl);
    if (target.origin !== api.baseUrl.origin && target.protocol !== "https:") return classify(api, redirected, answer);
    redirected = { ...call, target };
  }
}

function classify(api: Api, call: ApiCall, answer: ApiAnswer): ArtifactUploadOutcome {
  if (answer.status === 201) return { kind: "stored", status: "201 Created" };
  const why = api.unexpected(call, answer);
  if (answer.status === 403) return { kind: "forbidden", why };
  if (answer.status === 413) return { kind: "too-large", why };
  if (answer.status === 503) return { kind: "unavailable", why };
  return { kind: "failed", why };
}

async function* multipart(boundary: string, { filename, open }: ArtifactUpload): AsyncGenerator<Uint8Array> {
  const quoted = filename
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll(/[\r\n]/g, "_");
  yield Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${quoted}"\r\n` +
      "Content-Type: application/octet-stream\r\n\r\n",
  );
  yield* await open();
  yield Buffer.from(`\r\n--${boundary}--\r\n`);
}

function filledIn(query: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ""));
}
