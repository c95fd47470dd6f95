import { isLoopback } from "@jobscope/labkit";
import type { AzureCacheConfig } from "../../../config/cache-config.ts";
import { longestValidMs, metadataValue, type RemoteCache, RemoteCacheError } from "../remote-cache.ts";
import type { RemoteCacheDeps } from "../remote-cache-deps.ts";
import { createDelegationKeys } from "./delegation-key.ts";
import { serviceVersion, signBlobSas } from "./sign-sas.ts";

/** From here on in blocks: one request may hold no more than 5,000 MiB, and a block is what is sent again. */
const blockBytes = 64 * 1024 ** 2;

/**
 * Azure Blob Storage: shared access signatures for one blob, to read or to write.
 *
 * Credentials: the account's key, else the machine's identity (workload identity, a service principal's secret in the
 * environment, a managed identity), with which the store gives a user delegation key.
 *
 * Permissions of the identity: `Storage Blob Data Contributor` on the container, and `Storage Blob Delegator` on the account.
 */
export function createAzureCache(config: AzureCacheConfig, deps: RemoteCacheDeps): RemoteCache {
  const service = serviceAddress(config);
  const delegationKeys = createDelegationKeys({ service, environment: deps.environment });

  async function sign(permission: "r" | "w", wish: { objectName: string; validMs: number; signal: AbortSignal }) {
    const { account, accountKey, container } = config;
    const validMs = Math.min(wish.validMs, longestValidMs);
    try {
      const token = signBlobSas({
        account,
        container,
        blob: wish.objectName,
        permission,
        now: new Date(),
        validMs,
        allowsHttp: service.startsWith("http:"),
        key:
          accountKey === undefined
            ? { kind: "delegation", key: await delegationKeys.keyFor(validMs, wish.signal) }
            : { kind: "account", key: accountKey },
      });
      const path = [container, ...wish.objectName.split("/")].map(encodeURIComponent).join("/");
      return `${service}/${path}?${token}`;
    } catch (cause) {
      wish.signal.throwIfAborted();
      const reason = cause instanceof Error ? cause.message : "unknown error";
      throw new RemoteCacheError(`Azure: ${reason}`, { cause });
    }
  }

  const headers = { "x-ms-version": serviceVersion };
  return {
    backend: "azure",
    signDownload: async (wish) => ({ url: await sign("r", wish), headers }),
    signUpload: async (wish) => ({
      url: await sign("w", wish),
      headers: { ...headers, "x-ms-blob-type": "BlockBlob", "x-ms-meta-cachekey": metadataValue(wish.cacheKey) },
      blockBytes,
    }),
  };
}

/** An emulator on this machine has the account in its path, and no TLS. */
function serviceAddress({ account, domain }: AzureCacheConfig): string {
  return isLoopback(new URL(`http://${domain}`)) ? `http://${domain}/${account}` : `https://${account}.${domain}`;
}
