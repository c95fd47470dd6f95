import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Files of an authority, of a server's certificate for 127.0.0.1 and of a client's. */
export interface TestCertificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

/** Makes an authority and its certificates in `folder` with the `openssl` command; their names begin with `name`. */
export async function makeCertificates(folder: string, name: string): Promise<TestCertificates> {
  const make = async (subject: string, more: readonly string[]) => {
    const files = { cert: join(folder, `${name}-${subject}.pem`), key: join(folder, `${name}-${subject}.key`) };
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", files.key];
    await run("openssl", [
      "req",
      "-x509",
      "-days",
      "1",
      ...key,
      "-subj",
      `/CN=${subject}`,
      ...more,
      "-out",
      files.cert,
    ]);
    return files;
  };
  const authority = await make("authority", []);
  const signed = ["-CA", authority.cert, "-CAkey", authority.key];
  return {
    ca: authority.cert,
    server: await make("server", [...signed, "-addext", "subjectAltName=IP:127.0.0.1"]),
    client: await make("client", signed),
  };
}
