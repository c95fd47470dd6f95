import type { StageSpan } from "@jobscope/job-telemetry";
import { type DownloadWish, type RemoteCache, RemoteCacheError } from "../../cache/remote/remote-cache.ts";
import type { SignedRequest } from "../../cache/signed-request.ts";
import type { RemoteArchive, TaskFacts } from "../../workspace/workspace.ts";
import type { JobRun } from "../job-run.ts";
import type { CacheCandidate } from "./cache-candidates.ts";

/** How the archive is reached in the runner's store. */
export type RemoteAccess<Request extends SignedRequest> =
  /** There is no store, or this archive may not be in it. */
  | { readonly kind: "none" }
  | { readonly kind: "signed"; readonly remote: RemoteArchive<Request> }
  /** No request could be signed: the disk has to do. */
  | { readonly kind: "unusable"; readonly why: string };

/** Signs a request for the archive, good for as long as the job may take. Rule: runner-protocol.md §3.7. */
export async function accessRemote<Request extends SignedRequest>(
  { options, settings, variables }: JobRun,
  { objectName }: CacheCandidate,
  sign: (cache: RemoteCache, wish: DownloadWish) => Promise<Request>,
  signal: AbortSignal,
): Promise<RemoteAccess<Request>> {
  const { remoteCache, job, log } = options;
  if (remoteCache === undefined || objectName === undefined) return { kind: "none" };
  try {
    const request = await sign(remoteCache, { objectName, validMs: job.timeoutMs, signal });
    const proxyVariables = Object.fromEntries(
      proxyNames.map((name) => [name, variables.valueOf(name)]).filter(([, value]) => value !== ""),
    );
    return { kind: "signed", remote: { request, timeoutMs: settings.cacheRequestTimeoutMs, proxyVariables } };
  } catch (error) {
    signal.throwIfAborted();
    log.error("the remote cache cannot be used", { backend: remoteCache.backend, err: error });
    // A fault of ours costs the cache as well, and not the job.
    return {
      kind: "unusable",
      why: error instanceof RemoteCacheError ? error.message : "internal error of the runner",
    };
  }
}

/**
 * What the file work of the stage learns, for its span. A store's traffic is counted from nothing, so that an archive that
 * was not moved is told from one that was.
 */
export function cacheFacts(
  span: Pick<StageSpan, "setAttributes">,
  { kind }: Pick<RemoteAccess<SignedRequest>, "kind">,
  networkBytesOf: "ci.network.rx_bytes" | "ci.network.tx_bytes",
): (facts: TaskFacts) => void {
  let known: TaskFacts = kind === "none" ? {} : { networkBytes: 0, retries: 0 };
  const tell = (facts: TaskFacts) => {
    known = { ...known, ...facts };
    span.setAttributes({
      "ci.cache.size_bytes": known.bytes,
      "ci.cache.files": known.files,
      [networkBytesOf]: known.networkBytes,
      "ci.operation.retry_count": known.retries,
    });
  };
  tell({});
  return tell;
}

/** The stage did what it could without the store. */
export function endStoreFailure(span: Pick<StageSpan, "end">, why: string): void {
  span.end({ status: "failed", errorType: "cache_store_failure", message: why });
}

const proxyNames = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"];
