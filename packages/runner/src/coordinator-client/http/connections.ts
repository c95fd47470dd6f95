import { readFileSync, statSync } from "node:fs";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import { rootCertificates } from "node:tls";
import { environmentProxyFor } from "@jobscope/labkit";
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent } from "undici";
import type { ProxyConfig } from "../../config/manager-config.ts";
import type { RunnerTlsConfig } from "../../config/runner-config.ts";

/** TLS settings as texts, for a process that does not have the files. PEM; `undefined`: none. */
export interface TlsTexts {
  /** *Added* to the authorities that Node knows. */
  readonly authorities: string | undefined;
  readonly certificate: string | undefined;
  /** A secret. */
  readonly key: string | undefined;
}

export interface ConnectionOptions {
  readonly tls: RunnerTlsConfig | TlsTexts;
  readonly proxy: ProxyConfig;
  /** Idle connections older than this are given up, ms; 0: never. */
  readonly connectionMaxAgeMs: number;
}

/**
 * The kept-alive connections of one runner entry.
 *
 * Renewed when they reach their age, or when one of the TLS files has changed; calls under way keep their connection.
 * Rule: runner-protocol.md §1.1.
 */
export class Connections implements AsyncDisposable {
  readonly #options: ConnectionOptions;
  #dispatchers: { readonly direct: Dispatcher; readonly proxied: Dispatcher } | undefined;
  #renewAtMs = 0;
  #filesState = "";
  #certificateChain: string | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /**
   * What the next call to that address is sent over: through the environment's proxy, or not (loopback, `no_proxy`).
   *
   * @throws {Error} when a TLS file cannot be read.
   */
  current(target: URL): Dispatcher {
    const { direct, proxied } = this.#newest();
    const { httpProxy: http_proxy, httpsProxy: https_proxy, noProxy: no_proxy } = this.#options.proxy;
    const proxy = environmentProxyFor(target.href, { http_proxy, https_proxy, no_proxy });
    return proxy === undefined ? direct : proxied;
  }

  #newest() {
    const filesState = stateOfFiles(this.#options.tls);
    if (this.#dispatchers === undefined || performance.now() >= this.#renewAtMs || filesState !== this.#filesState) {
      const fresh = this.#connect();
      // Calls under way keep the old connections; that closing them fails is of no interest to anybody.
      this.#retire().catch(() => {});
      this.#dispatchers = fresh;
      this.#filesState = filesState;
      const maxAgeMs = this.#options.connectionMaxAgeMs;
      this.#renewAtMs = maxAgeMs > 0 ? performance.now() + maxAgeMs : Number.POSITIVE_INFINITY;
    }
    return this.#dispatchers;
  }

  /** PEM of the chain that the coordinator last presented; `undefined` over plain HTTP or through a proxy. */
  get certificateChain(): string | undefined {
    return this.#certificateChain;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#retire();
  }

  async #retire(): Promise<void> {
    const old = this.#dispatchers;
    this.#dispatchers = undefined;
    await Promise.all([old?.direct.close(), old?.proxied === old?.direct ? undefined : old?.proxied.close()]);
  }

  #connect() {
    const tls = tlsOptions(readTlsTexts(this.#options.tls));
    const shared = {
      keepAliveTimeout: 90_000,
      keepAliveMaxTimeout: 600_000,
      connections: 100,
      headersTimeout: 600_000,
      bodyTimeout: 600_000,
    };
    const connect = buildConnector({ timeout: 30_000, keepAlive: true, keepAliveInitialDelay: 30_000, ...tls });
    const direct = new Agent({
      ...shared,
      connect: (options, callback) =>
        connect(options, (...result) => {
          const [error, socket] = result;
          if (error === null && "getPeerCertificate" in socket) this.#certificateChain = pemChain(socket as TLSSocket);
          callback(...result);
        }),
    });
    const { httpProxy, httpsProxy } = this.#options.proxy;
    if (httpProxy === "" && httpsProxy === "") return { direct, proxied: direct };
    // Who is exempt was decided before.
    const proxies = { httpProxy, httpsProxy, noProxy: "" };
    return { direct, proxied: new EnvHttpProxyAgent({ ...shared, ...proxies, connect: tls, requestTls: tls }) };
  }
}

/** @throws {Error} when a file cannot be read. */
export function readTlsTexts(tls: RunnerTlsConfig | TlsTexts): TlsTexts {
  if (!("caFile" in tls)) return tls;
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file, "utf8"));
  return { authorities: read(tls.caFile), certificate: read(tls.certFile), key: read(tls.keyFile) };
}

function tlsOptions({ authorities, certificate, key }: TlsTexts) {
  return {
    minVersion: "TLSv1.2" as const,
    ...(authorities === undefined ? {} : { ca: [...rootCertificates, authorities] }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
  };
}

function stateOfFiles(tls: RunnerTlsConfig | TlsTexts): string {
  if (!("caFile" in tls)) return "";
  const files = [tls.caFile, tls.certFile, tls.keyFile].filter((file) => file !== undefined);
  return files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0).join();
}

/** The certificates from the server's own up to the authority, each once. */
function pemChain(socket: TLSSocket): string | undefined {
  const seen = new Set<string>();
  const pems: string[] = [];
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (certificate?.raw !== undefined && !seen.has(certificate.fingerprint256)) {
    seen.add(certificate.fingerprint256);
    pems.push(toPem(certificate.raw));
    certificate = certificate.issuerCertificate;
  }
  return pems.length === 0 ? undefined : pems.join("");
}

function toPem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
