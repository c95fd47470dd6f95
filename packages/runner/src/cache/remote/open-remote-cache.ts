import type { Log } from "@jobscope/labkit";
import type { CacheStoreConfig } from "../../config/cache-config.ts";
import type { RemoteCache } from "./remote-cache.ts";

export interface RemoteCacheDeps {
  /** Runner log. */
  readonly log: Log;
  /** The runner process's own: identities and emulators are looked up in it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

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
    signDownload: async (wish) => (await opened()).signDownload(wish),
    signUpload: async (wish) => (await opened()).signUpload(wish),
  };
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
