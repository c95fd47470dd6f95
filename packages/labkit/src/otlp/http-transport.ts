import type { Socket } from "node:net";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { buildConnector, type Dispatcher, Pool } from "undici";
import { isLoopback } from "../auth/loopback.ts";
import { describeFailure } from "./describe-failure.ts";
import type { EndpointSpec, ParsedEndpoint } from "./endpoint-spec.ts";
import type { ExportOutcome } from "./export-outcome.ts";
import { authorityOf, openTunnel, proxyHeaders } from "./proxy.ts";
import { readAcceptedResponse } from "./response.ts";
import { judgeAnswer } from "./retry-rules.ts";
import { readTlsFiles } from "./tls-files.ts";
import type { Transport } from "./transport.ts";

const compress = promisify(gzip);

/** Below, gzip saves less than a network packet. */
const minCompressedBytes = 1_024;
/** An `ExportTraceServiceResponse` is a number and a sentence; an endless answer must not fill our memory. */
const maxResponseBytes = 64 * 1_024;
/** The OTLP exporters' default. */
export const defaultTimeoutMs = 10_000;

/** OTLP/HTTP with protobuf bodies. Redirects are not followed: that is undici's `request` without an interceptor. */
export function createHttpTransport(
  endpoint: ParsedEndpoint,
  spec: EndpointSpec,
  options: { maxConnections: number },
): Transport {
  const timeoutMs = spec.timeoutMs ?? defaultTimeoutMs;
  const usesGzip = (spec.compression ?? (isLoopback(endpoint.url) ? "none" : "gzip")) === "gzip";
  const pool = createPool(endpoint, spec, { ...options, timeoutMs });
  const { path, headers: routeHeaders } = requestLine(endpoint, spec);
  const ownHeaders = { ...spec.headers, ...routeHeaders, "content-type": "application/x-protobuf" };

  return {
    async send(request, { headers, signal }) {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      try {
        const isCompressed = usesGzip && request.body.length >= minCompressedBytes;
        const response = await pool.request({
          path,
          method: "POST",
          headers: { ...ownHeaders, ...headers, ...(isCompressed ? { "content-encoding": "gzip" } : {}) },
          // The fastest level: OTLP repeats itself so much that the others gain little for their time.
          body: isCompressed ? await compress(request.body, { level: constants.Z_BEST_SPEED }) : request.body,
          signal: bounded,
        });
        return await readOutcome(response);
      } catch (error) {
        return judgeAnswer({ kind: "none", why: describeFailure(error, { timeoutMs }) }, Date.now());
      }
    },
    async close() {
      await pool.destroy();
    },
  };
}

/** A proxy of a plain endpoint gets each request with the whole URL (RFC 9112 §3.2.2); other proxies see none. */
function requestLine({ url }: ParsedEndpoint, { proxyUrl }: EndpointSpec) {
  if (proxyUrl === undefined || url.protocol === "https:") return { path: url.pathname, headers: {} };
  return { path: url.href, headers: { host: url.host, ...proxyHeaders(new URL(proxyUrl)) } };
}

function createPool(
  { url }: ParsedEndpoint,
  spec: EndpointSpec,
  options: { maxConnections: number; timeoutMs: number },
): Pool {
  const isPlain = url.protocol === "http:";
  return new Pool(isPlain && spec.proxyUrl !== undefined ? new URL(spec.proxyUrl).origin : url.origin, {
    connections: options.maxConnections,
    // Answers in the order of requests would let a slow one hold up the next.
    pipelining: 1,
    connect: createConnector(spec, { ...options, tunnelTo: isPlain ? undefined : authorityOf(url) }),
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
  });
}

/** Reads the TLS files for each new connection, so that renewed certificates come into use. */
function createConnector(
  { tls, proxyUrl }: EndpointSpec,
  { timeoutMs, tunnelTo }: { timeoutMs: number; tunnelTo: string | undefined },
): buildConnector.connector {
  async function connect(target: buildConnector.Options): Promise<Socket> {
    const { ca, cert, key } = readTlsFiles(tls);
    const connectTo = buildConnector({
      timeout: timeoutMs,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
    const isTunnelled = proxyUrl !== undefined && tunnelTo !== undefined;
    const tunnel = isTunnelled ? await openTunnel(new URL(proxyUrl), tunnelTo, { timeoutMs }) : undefined;
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    connectTo(tunnel === undefined ? target : { ...target, httpSocket: tunnel }, (error, socket) =>
      error === null ? resolve(socket) : reject(error),
    );
    return await promise;
  }

  return (target, callback) => {
    connect(target).then(
      (socket) => callback(null, socket),
      (error: unknown) =>
        callback(error instanceof Error ? error : new Error("cannot connect", { cause: error }), null),
    );
  };
}

async function readOutcome(response: Dispatcher.ResponseData): Promise<ExportOutcome> {
  const retryAfter = response.headers["retry-after"];
  const outcome = judgeAnswer(
    {
      kind: "http",
      status: response.statusCode,
      retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
    },
    Date.now(),
  );
  const body = await readBounded(response.body);
  return outcome.kind === "accepted" && body !== undefined ? readAcceptedResponse(body) : outcome;
}

/** The whole body, so that its connection can be used again; undefined (and the connection closed) when it is too long. */
async function readBounded(body: Dispatcher.ResponseData["body"]): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxResponseBytes) return undefined; // Leaving the loop destroys the body.
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
