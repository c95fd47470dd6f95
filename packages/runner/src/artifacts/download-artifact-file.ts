import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { CoordinatorClient, JobIdentity } from "../coordinator-client/coordinator-client.ts";
import { ArtifactError } from "./artifact-error.ts";
import { shortTokenOf } from "./short-token.ts";
import type { TransferReport } from "./transfer-report.ts";

/** Rule: runner-protocol.md §1.12. */
const maxTries = 3;
const pauseMs = 1_000;

export interface DownloadOptions {
  readonly client: Pick<CoordinatorClient, "downloadArtifact">;
  /** The dependency: its id and its token. */
  readonly job: JobIdentity;
  /** Where the archive goes; replaced by each try. */
  readonly file: string;
  /** `FF_USE_DIRECT_DOWNLOAD` */
  readonly allowsDirectDownload: boolean;
  readonly report: TransferReport;
  readonly signal: AbortSignal;
}

/**
 * Downloads the archive of an earlier job, again where that may help.
 *
 * @throws {ArtifactError} when it was refused, is not there, or did not come whole.
 */
export async function downloadArtifactFile(
  options: DownloadOptions,
): Promise<{ readonly bytes: number; readonly retries: number }> {
  for (let tries = 1; ; tries += 1) {
    const result = await downloadOnce(options, tries === 1 && options.allowsDirectDownload);
    if (typeof result === "number") return { bytes: result, retries: tries - 1 };
    if (tries >= maxTries) throw result;
    options.report.warning("Retrying...", { error: result.message });
    await delay(pauseMs, undefined, { signal: options.signal }).catch(() => options.signal.throwIfAborted());
  }
}

/** @returns the bytes that came, or why another try may help. @throws {ArtifactError} when none will. */
async function downloadOnce(options: DownloadOptions, allowsDirectDownload: boolean): Promise<number | ArtifactError> {
  const { client, job, file, report, signal } = options;
  const say = "Downloading artifacts from coordinator...";
  const fields = { id: job.id, token: shortTokenOf(job.jobToken) };
  const outcome = await client.downloadArtifact({ job, allowsDirectDownload }, { signal });
  switch (outcome.kind) {
    case "archive": {
      const target = createWriteStream(file, { mode: 0o600 });
      try {
        await pipeline(outcome.body, target, { signal });
      } catch (cause) {
        signal.throwIfAborted();
        report.error(`${say} error`, fields);
        return new ArtifactError("the archive did not come whole", { cause });
      }
      const host = outcome.redirectedTo === undefined ? {} : { host: outcome.redirectedTo };
      report.info(`${say} ok`, { ...fields, ...host, responseStatus: "200 OK" });
      return target.bytesWritten;
    }
    case "forbidden":
      report.error(`${say} forbidden`, { ...fields, status: String(outcome.why.status ?? "") });
      throw new ArtifactError("permission denied", { cause: outcome.why });
    case "not-found":
      report.error(`${say} not found`, fields);
      throw new ArtifactError("file does not exist", { cause: outcome.why });
    case "failed":
      report.warning(`${say} failed`, { ...fields, status: String(outcome.why.status ?? "") });
      return new ArtifactError("invalid argument", { cause: outcome.why });
  }
}
