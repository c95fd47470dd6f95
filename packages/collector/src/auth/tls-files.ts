import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { ConfigError } from "../config-error.ts";

/** Files in PEM form for TLS; read again when they change. */
export interface TlsFiles {
  /** The collector's certificate, with those between it and its authority. */
  readonly cert: string;
  /** Its key. */
  readonly key: string;
  /** Authorities of senders' certificates: with it, a connection without such a certificate is refused (mTLS). Default: none. */
  readonly clientCa?: string;
}

/** What {@link TlsFiles} hold. */
export interface TlsIdentity {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
}

/** @throws {ConfigError} naming the file that cannot be used. */
export async function readTlsFiles(files: TlsFiles): Promise<TlsIdentity> {
  const read = async (name: keyof TlsFiles, path: string) =>
    await readFile(path).catch((cause: NodeJS.ErrnoException) => {
      const problem = `${path} cannot be read (${cause.code ?? cause.message})`;
      throw new ConfigError([{ key: `auth.tls.${name}`, problem }], { cause });
    });
  const cert = await read("cert", files.cert);
  const key = await read("key", files.key);
  const clientCa = files.clientCa === undefined ? undefined : await read("clientCa", files.clientCa);
  if (clientCa !== undefined && !clientCa.includes("-----BEGIN CERTIFICATE-----")) {
    throw new ConfigError([
      { key: "auth.tls.clientCa", problem: `${files.clientCa} holds no certificate in PEM form` },
    ]);
  }
  try {
    createSecureContext({ cert, key, ...(clientCa === undefined ? {} : { ca: clientCa }) });
  } catch (cause) {
    const problem = `${files.cert} and ${files.key} are no certificate and its key, both in PEM form`;
    throw new ConfigError([{ key: "auth.tls", problem }], { cause });
  }
  return { cert, key, clientCa };
}
