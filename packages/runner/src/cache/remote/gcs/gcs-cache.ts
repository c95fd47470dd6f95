import type { GcsCacheConfig } from "../../../config/cache-config.ts";
import { longestValidMs, metadataValue, type RemoteCache, RemoteCacheError } from "../remote-cache.ts";
import type { RemoteCacheDeps } from "../remote-cache-deps.ts";
import { CredentialsFileError, type GcsSigner, openGcsSigner } from "./gcs-signer.ts";
import { signV4 } from "./sign-v4.ts";

/**
 * Google Cloud Storage: requests signed with signature version 4.
 *
 * Credentials: the configured key, else application default credentials: the metadata server of Compute Engine, GKE and
 * Cloud Run, a service account's key file, workload identity federation. Without a key at hand, IAM signs.
 *
 * Permissions: `storage.objects.get`, `storage.objects.create` and `storage.objects.delete` (to replace an archive) on the
 * bucket, for instance by `roles/storage.objectUser`; without a key also `iam.serviceAccounts.signBlob` of the service
 * account on itself (`roles/iam.serviceAccountTokenCreator`).
 */
export function createGcsCache(config: GcsCacheConfig, { environment }: RemoteCacheDeps): RemoteCache {
  let opening: Promise<GcsSigner> | undefined;

  /** Credentials may appear later (a metadata server that was not up yet): after a failure they are looked for anew. */
  async function signer(): Promise<GcsSigner> {
    opening ??= openGcsSigner(config);
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  async function sign(
    method: "GET" | "PUT",
    wish: { readonly objectName: string; readonly validMs: number; readonly signal: AbortSignal },
    headers: Readonly<Record<string, string>>,
  ) {
    try {
      const { email, universe, sign } = await signer();
      const url = await signV4({
        method,
        origin: emulator(environment) ?? `https://storage.${universe}`,
        path: `${config.bucket}/${wish.objectName}`,
        headers,
        validMs: Math.min(wish.validMs, longestValidMs),
        accessId: email,
        now: new Date(),
        sign,
      });
      return { url, headers };
    } catch (cause) {
      wish.signal.throwIfAborted();
      throw new RemoteCacheError(`GCS: ${reasonOf(cause, config)}`, { cause });
    }
  }

  return {
    backend: "gcs",
    signDownload: (wish) => sign("GET", wish, {}),
    signUpload: (wish) =>
      sign("PUT", wish, {
        "content-type": "application/octet-stream",
        "x-goog-meta-cachekey": metadataValue(wish.cacheKey),
        ...(wish.maxBytes > 0 ? { "x-goog-content-length-range": `0,${wish.maxBytes}` } : {}),
      }),
  };
}

/** As Google's own libraries have it; for tests and local development. */
function emulator(environment: RemoteCacheDeps["environment"]): string | undefined {
  const host = environment["STORAGE_EMULATOR_HOST"];
  if (host === undefined || host === "") return undefined;
  return new URL(/^https?:\/\//.test(host) ? host : `http://${host}`).origin;
}

/** In words for what an operator can do something about. The library's text may quote an answer: it stays in the cause. */
function reasonOf(cause: unknown, { credentials }: GcsCacheConfig): string {
  if (!(cause instanceof Error)) return "unknown error";
  if (cause instanceof CredentialsFileError) return cause.message;
  const { code, status } = cause as { code?: unknown; status?: unknown };
  const isFile = credentials.kind === "file";
  if (code === "ENOENT" && isFile) return `no such file: ${credentials.file}`;
  if (/Could not load the default credentials/.test(cause.message)) return "no Google credentials were found";
  if (/DECODER|PEM|asn1/i.test(`${String(code)} ${cause.message}`)) {
    return `${isFile ? `private_key in ${credentials.file}` : "PrivateKey"} is not a private key in PEM form`;
  }
  const number = typeof status === "number" ? status : Number(code);
  if (Number.isInteger(number)) return `IAM refused to sign (${number})`;
  return typeof code === "string" ? code : "the request could not be signed";
}
