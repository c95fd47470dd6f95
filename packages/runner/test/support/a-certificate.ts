import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Files of a certificate for 127.0.0.1 that is its own authority. */
export async function aCertificate(directory: string): Promise<{ key: string; certificate: string }> {
  const [key, certificate] = [path.join(directory, "key.pem"), path.join(directory, "cert.pem")];
  await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
  ]);
  return { key, certificate };
}
