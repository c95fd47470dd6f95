import { Readable } from "node:stream";
import type {
  ArtifactDownload,
  ArtifactDownloadOutcome,
  ArtifactUpload,
  ArtifactUploadOutcome,
  CoordinatorClient,
} from "../../src/coordinator-client/coordinator-client.ts";
import { CoordinatorError } from "../../src/coordinator-client/coordinator-error.ts";

/** Keeps what jobs upload and gives what they download, or refuses as a test tells it to. */
export interface ArtifactStore {
  readonly client: Pick<CoordinatorClient, "uploadArtifact" | "downloadArtifact">;
  readonly uploads: readonly StoredArtifact[];
  readonly downloads: readonly ArtifactDownload[];
  /** Archives by job id. */
  readonly archives: Map<number, Buffer>;
  /** HTTP statuses of the next uploads and downloads, in place of success. */
  readonly uploadStatuses: number[];
  readonly downloadStatuses: number[];
}

export interface StoredArtifact extends Omit<ArtifactUpload, "open"> {
  readonly content: Buffer;
}

export function anArtifactStore(): ArtifactStore {
  const uploads: StoredArtifact[] = [];
  const downloads: ArtifactDownload[] = [];
  const archives = new Map<number, Buffer>();
  const uploadStatuses: number[] = [];
  const downloadStatuses: number[] = [];

  async function uploadArtifact({ open, ...upload }: ArtifactUpload): Promise<ArtifactUploadOutcome> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await open()) chunks.push(chunk);
    const status = uploadStatuses.shift();
    if (status !== undefined) return refusedUpload(status);
    uploads.push({ ...upload, content: Buffer.concat(chunks) });
    return { kind: "stored", status: "201 Created" };
  }

  async function downloadArtifact(download: ArtifactDownload): Promise<ArtifactDownloadOutcome> {
    downloads.push(download);
    const archive = archives.get(download.job.id);
    const status = downloadStatuses.shift() ?? (archive === undefined ? 404 : undefined);
    if (status !== undefined || archive === undefined) return refusedDownload(status ?? 404);
    return { kind: "archive", body: Readable.from([archive]), sizeBytes: archive.length, redirectedTo: undefined };
  }

  return {
    client: { uploadArtifact, downloadArtifact },
    uploads,
    downloads,
    archives,
    uploadStatuses,
    downloadStatuses,
  };
}

function refusedUpload(status: number): ArtifactUploadOutcome {
  const why = new CoordinatorError(`answered ${status}`, { operation: "upload artifact", status, retryable: false });
  if (status === 403) return { kind: "forbidden", why };
  if (status === 413) return { kind: "too-large", why };
  return { kind: status === 503 ? "unavailable" : "failed", why };
}

function refusedDownload(status: number): ArtifactDownloadOutcome {
  const why = new CoordinatorError(`answered ${status}`, { operation: "download artifact", status, retryable: false });
  if (status === 401 || status === 403) return { kind: "forbidden", why };
  return { kind: status === 404 ? "not-found" : "failed", why };
}
