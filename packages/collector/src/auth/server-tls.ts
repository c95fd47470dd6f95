import type { ServerOptions } from "node:https";
import { ServerCredentials } from "@grpc/grpc-js";
import type { TlsIdentity } from "./tls-files.ts";

/** Node's options for a server with this identity; without a client authority nobody is asked for a certificate. */
export function httpsOptions({ cert, key, clientCa }: TlsIdentity): ServerOptions {
  if (clientCa === undefined) return { cert, key };
  return { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: true };
}

/** The same for gRPC. */
export function grpcCredentials(tls: TlsIdentity | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { cert, key, clientCa } = tls;
  return ServerCredentials.createSsl(
    clientCa ?? null,
    [{ cert_chain: cert, private_key: key }],
    clientCa !== undefined,
  );
}
