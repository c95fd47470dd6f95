import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { buildConnector, type Dispatcher, Pool } from "undici";
import { isLoopback } from "../auth/loopback.ts";
import { describeFailure } from "./describe-failure.ts";
import type { EndpointSpec, ParsedEndpoint } from "./endpoint-spec.ts";
import type { ExportOutcome } from "./export-outcome.ts";
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
  const ownHeaders = { ...spec.headers, "content-type": "application/x-protobuf" };

  return {
    async send(request, { headers, signal }) {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      try {
        const isCompressed = usesGzip && request.body.length >= minCompressedBytes;
        const response = await pool.request({
          path: endpoint.url.pathname,
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

function createPool(
  endpoint: ParsedEndpoint,
  spec: EndpointSpec,
  options: { maxConnections: number; timeoutMs: number },
): Pool {
  return new Pool(endpoint.url.origin, {
    connections: options.maxConnections,
    // Answers in the order of requests would let a slow one hold up the next.
    pipelining: 1,
    connect: createConnector(spec, options),
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
  });
}

/** Reads the TLS files for each new connection, so that renewed certificates come into use. */
function createConnector(spec: EndpointSpec, options: { timeoutMs: number }): buildConnector.connector {
  return (target, callback) => {
    try {
      const { ca, cert, key } = readTlsFiles(spec.tls);
      const connect = buildConnector({
        timeout: options.timeoutMs,
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      });
      connect(target, callback);
    } catch (error) {
      callback(error instanceof Error ? error : new Error("cannot connect", { cause: error }), null);
    }
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
