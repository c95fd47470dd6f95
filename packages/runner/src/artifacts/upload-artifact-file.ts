import { STATUS_CODES } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type {
  ArtifactUpload,
  ArtifactUploadOutcome,
  CoordinatorClient,
} from "../coordinator-client/coordinator-client.ts";
import { ArtifactError } from "./artifact-error.ts";
import { shortTokenOf } from "./short-token.ts";
import type { TransferReport } from "./transfer-report.ts";

/** Tries by what became of the last one. Rule: runner-protocol.md §1.12. */
const maxTries = { failed: 3, unavailable: 6 } as const;
const defaultFirstPauseMs = 1_000;
const longestPauseMs = 5_000;

export interface UploadOptions {
  readonly client: Pick<CoordinatorClient, "uploadArtifact">;
  readonly upload: ArtifactUpload;
  readonly report: TransferReport;
  readonly signal: AbortSignal;
  /** Pause before the second try; it doubles from try to try, up to five seconds. Default: one second. */
  readonly firstPauseMs?: number;
}

/**
 * Uploads one artifact file, again where that may help.
 *
 * @returns how often it was tried again. @throws {ArtifactError} when it was refused or did not succeed.
 */
export async function uploadArtifactFile(options: UploadOptions): Promise<{ readonly retries: number }> {
  const { client, upload, report, signal, firstPauseMs = defaultFirstPauseMs } = options;
  for (let tries = 1; ; tries += 1) {
    const outcome = await client.uploadArtifact(upload, { signal });
    reportOutcome(options, outcome);
    if (outcome.kind === "stored") return { retries: tries - 1 };
    const failure = failureOf(outcome);
    if (outcome.kind !== "failed" && outcome.kind !== "unavailable") throw failure;
    if (tries >= maxTries[outcome.kind]) throw failure;
    report.warning("Retrying...", { context: "artifacts-uploader", error: failure.message });
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (tries - 1));
    await delay(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Wording: runner-protocol.md §2.5. */
function reportOutcome({ upload, report }: UploadOptions, outcome: ArtifactUploadOutcome): void {
  const what = upload.type === "" ? "Uploading artifacts" : `Uploading artifacts as "${upload.type}"`;
  const answer = outcome.kind === "stored" ? "201 Created" : statusText(outcome.why.status);
  const fields = { id: upload.job.id, responseStatus: answer, token: shortTokenOf(upload.job.jobToken) };
  const message = `${what} to coordinator... ${answer}`;
  if (outcome.kind === "stored") report.info(message, fields);
  else if (outcome.kind === "failed") report.warning(message, fields);
  else report.error(message, fields);
}

function statusText(status: number | undefined): string {
  return status === undefined ? "error" : `${status} ${STATUS_CODES[status] ?? ""}`.trimEnd();
}

function failureOf(outcome: Exclude<ArtifactUploadOutcome, { kind: "stored" }>): ArtifactError {
  const messages = {
    forbidden: "permission denied",
    "too-large": "too large",
    unavailable: "service unavailable",
    failed: outcome.why.message,
  } as const;
  return new ArtifactError(messages[outcome.kind], { cause: outcome.why });
}
