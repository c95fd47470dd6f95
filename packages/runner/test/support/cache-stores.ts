import { type ChildProcess, spawn } from "node:child_process";
import { createHmac, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { testPeer } from "./test-peers.ts";

/** A real store on this machine, with one bucket. */
export interface CacheStore extends AsyncDisposable {
  /** Its address. */
  readonly url: string;
  /** `[runners.cache]` for it, as in the file. */
  readonly cacheTable: Readonly<Record<string, unknown>>;
  /** Of the process that signs. */
  readonly environment: Readonly<Record<string, string>>;
}

export const bucket = "ci-caches";

/** versitygw: an S3 server over a directory. */
export async function startS3Store(): Promise<CacheStore> {
  const [accessKey, secretKey] = ["jobscope-test", "not-a-secret-of-anybody"];
  const server = await startStore("versitygw", /listening on/, ({ port, directory }) => ({
    args: [
      "--port",
      `127.0.0.1:${port}`,
      "--region",
      "eu-test-1",
      "posix",
      "--sidecar",
      path.join(path.dirname(directory), "metadata"),
      directory,
    ],
    env: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
  }));
  return {
    ...server,
    environment: {},
    cacheTable: s3CacheTable(server.url, { AccessKey: accessKey, SecretKey: secretKey }),
  };
}

/** For the S3 store, or what stands before it. */
export function s3CacheTable(url: string, changes: Readonly<Record<string, unknown>> = {}) {
  const { host } = new URL(url);
  const keys = { AccessKey: "jobscope-test", SecretKey: "not-a-secret-of-anybody" };
  const place = { ServerAddress: host, Insecure: true, BucketName: bucket, BucketLocation: "eu-test-1" };
  return { Type: "s3", s3: { ...place, ...keys, ...changes } };
}

/** fake-gcs-server: Google Cloud Storage over a directory. It takes any signature. */
export async function startGcsStore(): Promise<CacheStore> {
  const server = await startStore("fake-gcs-server", /server started/, ({ port, directory }) => ({
    args: [
      ...["-scheme", "http", "-host", "127.0.0.1", "-port", String(port), "-public-host", `127.0.0.1:${port}`],
      ...["-backend", "filesystem", "-filesystem-root", directory],
    ],
    env: {},
  }));
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const PrivateKey = privateKey.export({ type: "pkcs8", format: "pem" });
  const gcs = { AccessID: "cache@project.iam.gserviceaccount.com", PrivateKey, BucketName: bucket };
  return { ...server, environment: { STORAGE_EMULATOR_HOST: server.url }, cacheTable: { Type: "gcs", gcs } };
}

/** Public: the account that every emulator has. Source: Azurite's README. */
const account = "devstoreaccount1";
const accountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/**
 * Azurite: Azure Blob Storage. It checks signatures.
 *
 * @param tls files of a certificate: it then speaks HTTPS, and takes tokens of identities.
 */
export async function startAzureStore(tls?: { readonly cert: string; readonly key: string }): Promise<CacheStore> {
  const overTls = tls === undefined ? [] : ["--cert", tls.cert, "--key", tls.key, "--oauth", "basic"];
  const started = await startStore("azurite-blob", /successfully listen/, ({ port, directory }) => ({
    args: [
      ...["--blobHost", "127.0.0.1", "--blobPort", String(port), "--location", directory, "--disableTelemetry"],
      ...overTls,
    ],
    env: {},
  }));
  const server = { ...started, url: tls === undefined ? started.url : started.url.replace("http:", "https:") };
  await createContainer(server.url);
  const { host } = new URL(server.url);
  const azure = { AccountName: account, AccountKey: accountKey, ContainerName: bucket, StorageDomain: host };
  return { ...server, environment: {}, cacheTable: { Type: "azure", azure } };
}

/** With the account's key in the header. Source: Azure Storage REST reference, "Authorize with Shared Key". */
async function createContainer(url: string): Promise<void> {
  const headers = { "x-ms-date": new Date().toUTCString(), "x-ms-version": "2022-11-02" };
  const fields = Object.entries(headers).map(([name, value]) => `${name}:${value}`);
  const resource = `/${account}/${account}/${bucket}\nrestype:container`;
  const text = ["PUT", ...Array(11).fill(""), ...fields, resource].join("\n");
  const signature = createHmac("sha256", Buffer.from(accountKey, "base64")).update(text).digest("base64");
  const answer = await fetch(`${url}/${account}/${bucket}?restype=container`, {
    method: "PUT",
    headers: { ...headers, authorization: `SharedKey ${account}:${signature}` },
  });
  if (answer.status !== 201) throw new Error(`no container was made: ${answer.status} ${await answer.text()}`);
}

interface Wish {
  readonly port: number;
  /** Holds the bucket's directory. */
  readonly directory: string;
}

async function startStore(
  name: string,
  ready: RegExp,
  describe: (wish: Wish) => { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> },
) {
  const program = testPeer(name);
  if (program === undefined) throw new Error(`no ${name} on this machine`);
  const home = await mkdtemp(path.join(tmpdir(), `jobscope-${name}-`));
  const directory = path.join(home, "data");
  await mkdir(path.join(directory, bucket), { recursive: true });
  await mkdir(path.join(home, "metadata"));
  const port = await freePort();
  const { args, env } = describe({ port, directory });
  const PATH = `${path.dirname(process.execPath)}:/usr/bin:/bin`;
  const child = spawn(program, args, {
    cwd: home,
    env: { PATH, HOME: home, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const store = {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await rm(home, { recursive: true, force: true });
    },
  };
  try {
    await isReady(child, ready);
    return store;
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

/** When the program says so. */
async function isReady(child: ChildProcess, ready: RegExp): Promise<void> {
  let text = "";
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const hear = (chunk: Buffer) => {
    text += chunk.toString();
    if (ready.test(text)) resolve();
  };
  for (const stream of [child.stdout, child.stderr] as Readable[]) stream.on("data", hear);
  child.once("error", reject).once("exit", (code) => reject(new Error(`ended with ${code}: ${text}`)));
  await promise;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a port was given");
  return address.port;
}
