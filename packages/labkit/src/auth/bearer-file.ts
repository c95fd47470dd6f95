import { readFile, stat } from "node:fs/promises";
import { bearerHeaders } from "./bearer-headers.ts";
import { type TokenSource, TokenSourceError } from "./token-source.ts";

/** A token is a few kilobytes; a larger file is another one. */
const maxTokenBytes = 64 * 1_024;

/**
 * A bearer token from a file that somebody else renews: Kubernetes' projected service account tokens, SPIFFE, a secret
 * agent. The file is looked at for every request and read when it has changed (telemetry.md §6); Kubernetes swaps a
 * symbolic link, which shows as another inode.
 */
export function createBearerFileSource(path: string): TokenSource {
  let cached: { version: string; headers: Readonly<Record<string, string>> } | undefined;

  return {
    description: `bearer token from file ${path}`,
    async headers({ signal }) {
      const { version, size } = await versionOf(path);
      if (cached?.version === version) return cached.headers;
      if (size > maxTokenBytes)
        throw new TokenSourceError(`token file ${path} is larger than ${maxTokenBytes} bytes`, { code: "malformed" });
      const token = await readFile(path, { encoding: "utf8", signal }).catch((cause: unknown) => {
        throw unreadable(path, cause);
      });
      cached = { version, headers: bearerHeaders(token, `token file ${path}`) };
      return cached.headers;
    },
    invalidate() {
      cached = undefined;
      return true;
    },
  };
}

async function versionOf(path: string): Promise<{ version: string; size: number }> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return { version: `${ino}:${size}:${mtimeNs}`, size: Number(size) };
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): TokenSourceError {
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new TokenSourceError(`token file ${path} cannot be read${code}`, { code: "unavailable", cause });
}
