import type { CacheStoreConfig } from "../../config/cache-config.ts";
import { type DownloadWish, type RemoteCache, RemoteCacheError } from "./remote-cache.ts";
import type { RemoteCacheDeps } from "./remote-cache-deps.ts";

/**
 * The store of a runner's caches. One an entry of the configuration: it keeps connections and credentials.
 *
 * The store's library is loaded when the first request is signed: most processes never load one.
 */
export function openRemoteCache(config: CacheStoreConfig, deps: RemoteCacheDeps): RemoteCache {
  let opening: Promise<RemoteCache> | undefined;
  const opened = () => {
    opening ??= createRemoteCache(config, deps);
    return opening;
  };
  return {
    backend: config.kind,
    signDownload: (wish) => inTime(wish, async (bounded) => (await opened()).signDownload({ ...wish, ...bounded })),
    signUpload: (wish) => inTime(wish, async (bounded) => (await opened()).signUpload({ ...wish, ...bounded })),
  };
}

/** Signing may ask a metadata server or a token issuer, which may never answer; not every library takes a signal. */
const signingTimeoutMs = 30_000;

async function inTime<Result>(
  { signal: wanted }: Pick<DownloadWish, "signal">,
  sign: (bounded: Pick<DownloadWish, "signal">) => Promise<Result>,
): Promise<Result> {
  const timeout = new AbortController();
  const signal = AbortSignal.any([wanted, timeout.signal]);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  const why = new RemoteCacheError(`no credentials within ${signingTimeoutMs / 1000} s`);
  const timer = setTimeout(() => timeout.abort(why), signingTimeoutMs);
  try {
    wanted.throwIfAborted();
    return await Promise.race([sign({ signal }), aborted]);
  } finally {
    clearTimeout(timer);
  }
}

async function createRemoteCache(config: CacheStoreConfig, deps: RemoteCacheDeps): Promise<RemoteCache> {
  switch (config.kind) {
    case "s3":
      return (await import("./s3/s3-cache.ts")).createS3Cache(config, deps);
    case "gcs":
      return (await import("./gcs/gcs-cache.ts")).createGcsCache(config, deps);
    case "azure":
      return (await import("./azure/azure-cache.ts")).createAzureCache(config, deps);
  }
}
