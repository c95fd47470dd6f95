import path from "node:path";

export interface ObjectNameInput {
  /** `Path` of the configuration. */
  readonly path: string;
  /** `undefined` for a shared cache. */
  readonly shortRunnerToken: string | undefined;
  readonly projectId: number;
  /** The key as it names a directory: sanitised, or a digest. */
  readonly key: string;
  /** `FF_HASH_CACHE_KEYS`: objects are spread over 256 prefixes by the key's first two digits. */
  readonly isHashed: boolean;
}

/**
 * Name of a cache's archive in a bucket: `[<path>/][runner/<short token>/]project/<id>/[<two hex>/]<key>`.
 *
 * @returns `undefined` for a key that leads out of its project.
 *
 * Rule: runner-protocol.md §3.7.
 */
export function remoteObjectName(input: ObjectNameInput): string | undefined {
  const namespace = input.shortRunnerToken === undefined ? "" : `runner/${input.shortRunnerToken}`;
  const base = path.posix.join("/", input.path, namespace, "project", String(input.projectId));
  const shard = input.isHashed ? input.key.slice(0, 2) : "";
  const name = path.posix.join(base, shard, input.key);
  return name.startsWith(`${base}/`) && !name.endsWith("/") ? name.slice(1) : undefined;
}
