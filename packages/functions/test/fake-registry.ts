import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { zstdCompressSync } from "node:zlib";
import { type Header, pack } from "tar-stream";

/** One entry of a layer; content makes it a file. */
export type LayerEntry = Partial<Header> & { readonly name: string; readonly content?: string | Buffer };

/** A layer as functions have them: tar with zstd. */
export async function layerOf(entries: readonly LayerEntry[]): Promise<Buffer> {
  return zstdCompressSync(await tarOf(entries));
}

export async function tarOf(entries: readonly LayerEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries) {
    tar.entry(header, content ?? "");
  }
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** How the registry wants to be asked. */
export type RegistryAuth =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly login: string }
  | { readonly kind: "bearer"; readonly login: string | undefined };

/** A registry on a real socket that keeps images in memory and misbehaves on request. */
export class FakeRegistry implements AsyncDisposable {
  readonly host: string;
  /** Requests as `METHOD path`, without those for tokens. */
  readonly requests: string[] = [];
  readonly tokenScopes: string[] = [];
  auth: RegistryAuth = { kind: "none" };
  /** Answer so many requests with 503 before any other answer. */
  failuresLeft = 0;
  /** Where blobs are redirected to, when set. */
  blobHost: string | undefined;
  /** Called when a blob is asked for; the answer then stops half way. */
  onHangingBlob: (() => void) | undefined;
  /** Headers of the requests for blobs. */
  readonly blobHeaders: IncomingMessage["headers"][] = [];
  readonly blobs = new Map<string, Buffer>();
  /** Manifests by `repository:tag` and `repository@digest`. */
  readonly manifests = new Map<string, string>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<FakeRegistry> {
    let running: FakeRegistry | undefined;
    const server = createServer((request, response) => void running?.answer(request, response));
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", resolve);
    await promise;
    running = new FakeRegistry(server);
    return running;
  }

  /** Stores an image of one manifest for each platform; `os/arch[/variant]` to layers. @returns digest of the index. */
  addIndex(repository: string, tag: string, platforms: Readonly<Record<string, readonly Buffer[]>>): string {
    const manifests = Object.entries(platforms).map(([key, layers]) => {
      const [os, architecture, variant] = key.split("/");
      const text = this.addImage(repository, undefined, layers);
      return { digest: digestOf(text), size: text.length, platform: { os, architecture, ...(variant && { variant }) } };
    });
    const index = JSON.stringify({ schemaVersion: 2, manifests });
    this.#put(repository, tag, index);
    return digestOf(index);
  }

  addImage(repository: string, tag: string | undefined, layers: readonly Buffer[]): string {
    for (const layer of layers) this.blobs.set(digestOf(layer), layer);
    const text = JSON.stringify({
      schemaVersion: 2,
      layers: layers.map((layer) => ({ digest: digestOf(layer), size: layer.length })),
    });
    this.#put(repository, tag, text);
    return text;
  }

  #put(repository: string, tag: string | undefined, text: string): void {
    this.manifests.set(`${repository}@${digestOf(text)}`, text);
    if (tag !== undefined) this.manifests.set(`${repository}:${tag}`, text);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", `http://${this.host}`);
    if (url.pathname === "/token") return this.#answerToken(request, url, response);
    this.requests.push(`${request.method} ${url.pathname}`);
    if (this.failuresLeft > 0) {
      this.failuresLeft--;
      response.writeHead(503).end();
      return;
    }
    if (!this.#isAuthorized(request)) {
      const challenge =
        this.auth.kind === "basic"
          ? 'Basic realm="registry"'
          : `Bearer realm="http://${this.host}/token",service="the service",scope="repository:x:pull"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
      return;
    }
    const [, repository = "", kind, reference = ""] =
      /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(url.pathname) ?? [];
    if (kind === "manifests") {
      const text = this.manifests.get(`${repository}${reference.startsWith("sha256:") ? "@" : ":"}${reference}`);
      response.writeHead(text === undefined ? 404 : 200).end(text);
      return;
    }
    this.blobHeaders.push(request.headers);
    if (this.blobHost !== undefined) {
      response.writeHead(307, { location: `http://${this.blobHost}${url.pathname}` }).end();
      return;
    }
    const blob = this.blobs.get(reference);
    response.writeHead(blob === undefined ? 404 : 200);
    if (this.onHangingBlob === undefined) response.end(blob);
    else response.write(blob?.subarray(0, blob.length / 2), this.onHangingBlob);
  }

  #answerToken(request: IncomingMessage, url: URL, response: ServerResponse): void {
    const login = this.auth.kind === "bearer" ? this.auth.login : undefined;
    this.tokenScopes.push(url.searchParams.get("scope") ?? "");
    const given = request.headers.authorization;
    if (login !== undefined && given !== `Basic ${Buffer.from(login).toString("base64")}`) {
      response.writeHead(401).end();
      return;
    }
    response.end(JSON.stringify({ token: "issued-token" }));
  }

  #isAuthorized(request: IncomingMessage): boolean {
    if (this.auth.kind === "none") return true;
    const expected =
      this.auth.kind === "bearer" ? "Bearer issued-token" : `Basic ${Buffer.from(this.auth.login).toString("base64")}`;
    return request.headers.authorization === expected;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
