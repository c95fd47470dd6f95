import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** An authority with a server's certificate for 127.0.0.1 and a client's, made by the `openssl` command for one test run. */
export interface TestCertificates {
  readonly ca: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly server: { readonly cert: string; readonly key: string };
}

export async function makeCertificates(folder: string): Promise<TestCertificates> {
  const file = (name: string) => join(folder, name);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await run("openssl", [
    "req",
    "-x509",
    ...newKey,
    "-days",
    "1",
    "-subj",
    "/CN=labkit test authority",
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.pem"),
  ]);
  const sign = ["-x509", "-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-days", "1"];
  const server = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  await run("openssl", [
    "req",
    ...sign,
    ...newKey,
    ...server,
    "-keyout",
    file("server.key"),
    "-out",
    file("server.pem"),
  ]);
  await run("openssl", [
    "req",
    ...sign,
    ...newKey,
    "-subj",
    "/CN=client",
    "-keyout",
    file("client.key"),
    "-out",
    file("client.pem"),
  ]);
  const read = (name: string) => readFile(file(name), "utf8");
  return {
    ca: await read("ca.pem"),
    caFile: file("ca.pem"),
    certFile: file("client.pem"),
    keyFile: file("client.key"),
    server: { cert: await read("server.pem"), key: await read("server.key") },
  };
}
