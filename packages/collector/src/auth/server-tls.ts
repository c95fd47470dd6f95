import type { ServerOptions } from "node:https";
import type { SecureContextOptions } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import type { Renewable } from "./renewals.ts";
import { readTlsFiles, type TlsFiles, type TlsIdentity } from "./tls-files.ts";

/** Node's options for a server with this identity; without a client authority nobody is asked for a certificate. */
export function httpsOptions(identity: TlsIdentity): ServerOptions {
  return { ...secureContextOf(identity), ...clientRule(identity) };
}

/** What of a server's options may change while it listens. */
export function secureContextOf({ cert, key, clientCa }: TlsIdentity): SecureContextOptions {
  return { cert, key, ...(clientCa === undefined ? {} : { ca: clientCa }) };
}

/** The same for gRPC. */
export interface GrpcCredentials {
  readonly credentials: ServerCredentials;
  /** New connections get this identity. Nothing without TLS. */
  renew(identity: TlsIdentity): void;
}

export function grpcCredentials(tls: TlsIdentity | undefined): GrpcCredentials {
  if (tls === undefined) return { credentials: ServerCredentials.createInsecure(), renew() {} };
  const credentials = new RenewableCredentials(clientRule(tls), secureContextOf(tls));
  return { credentials, renew: (identity) => credentials.renew(secureContextOf(identity)) };
}

/** Reads the files again and hands what they hold to the servers; connections that are open keep what they have. */
export function tlsRenewal(files: TlsFiles, take: (identity: TlsIdentity) => void): Renewable {
  return {
    what: "TLS files",
    files: [files.cert, files.key, ...(files.clientCa === undefined ? [] : [files.clientCa])],
    renew: async () => take(await readTlsFiles(files)),
  };
}

function clientRule({ clientCa }: TlsIdentity): { requestCert?: true; rejectUnauthorized?: true } {
  return clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true };
}

/** grpc-js has the means to change an identity, but none of its own credentials that does so when told to. */
class RenewableCredentials extends ServerCredentials {
  renew(context: SecureContextOptions): void {
    this.updateSecureContextOptions(context);
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}
