import { readFileSync, statSync } from "node:fs";
import type { EndpointSpec } from "./endpoint-spec.ts";

/** PEM contents for a TLS client. */
export interface TlsMaterial {
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

/**
 * Reads the TLS files of a spec.
 *
 * Synchronously: they are small, read once per connection, and both undici and grpc-js want them when they connect.
 *
 * @throws the file system's error, which names the file.
 */
export function readTlsFiles(tls: EndpointSpec["tls"]): TlsMaterial {
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  return { ca: read(tls?.caFile), cert: read(tls?.certFile), key: read(tls?.keyFile) };
}

/**
 * Changes when one of the files was replaced or rewritten; empty without any.
 *
 * @throws the file system's error, which names the file.
 */
export function versionOfTlsFiles(tls: EndpointSpec["tls"]): string {
  const paths = [tls?.caFile, tls?.certFile, tls?.keyFile].filter((path) => path !== undefined);
  return paths
    .map((path) => statSync(path, { bigint: true }))
    .map(({ ino, size, mtimeNs }) => `${ino}:${size}:${mtimeNs}`)
    .join();
}
