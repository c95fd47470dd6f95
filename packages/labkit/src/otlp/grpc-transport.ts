import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  compressionAlgorithms,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { isLoopback } from "../auth/loopback.ts";
import { describeFailure } from "./describe-failure.ts";
import type { EndpointSpec, ParsedEndpoint } from "./endpoint-spec.ts";
import type { ExportOutcome } from "./export-outcome.ts";
import { readRetryDelayMs } from "./grpc-retry-info.ts";
import { defaultTimeoutMs } from "./http-transport.ts";
import { authorityOf, proxyCredentials } from "./proxy.ts";
import { readAcceptedResponse } from "./response.ts";
import { judgeAnswer } from "./retry-rules.ts";
import { readTlsFiles, versionOfTlsFiles } from "./tls-files.ts";
import type { Transport } from "./transport.ts";

const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

const { DEADLINE_EXCEEDED: deadlineExceeded, INTERNAL: internal } = status;

/**
 * OTLP/gRPC. All requests share one HTTP/2 connection, which grpc-js opens again when it was lost. When the TLS files have
 * changed, later requests go over a new one.
 */
export function createGrpcTransport(endpoint: ParsedEndpoint, spec: EndpointSpec): Transport {
  const timeoutMs = spec.timeoutMs ?? defaultTimeoutMs;
  let current: { client: Client; tlsVersion: string } | undefined;
  let isClosed = false;

  function clientForNow(): Client {
    const tlsVersion = versionOfTlsFiles(spec.tls);
    if (current?.tlsVersion !== tlsVersion) {
      current?.client.close();
      current = { client: createClient(endpoint, spec), tlsVersion };
    }
    return current.client;
  }

  /**
   * No answer in time may mean that the connection is dead without either side having been told; the library would keep
   * it for as long as the system does, a quarter of an hour. What is under way on it ends by itself.
   */
  function leave(client: Client): void {
    if (current?.client !== client) return;
    client.close();
    current = undefined;
  }

  return {
    async send(request, { headers, signal }) {
      if (signal.aborted || isClosed) return judgeAnswer({ kind: "none", why: "cancelled" }, Date.now());
      const metadata = new Metadata();
      for (const [name, value] of Object.entries({ ...spec.headers, ...headers })) metadata.set(name, value);
      try {
        const client = clientForNow();
        const outcome = await call(client, request.body, { metadata, deadlineMs: Date.now() + timeoutMs, signal });
        if (outcome.code === deadlineExceeded) leave(client);
        return outcome;
      } catch (error) {
        // A TLS file that cannot be read, or a client that was closed meanwhile.
        return judgeAnswer({ kind: "none", why: describeFailure(error, { timeoutMs }) }, Date.now());
      }
    },
    async close() {
      isClosed = true;
      current?.client.close();
    },
  };
}

function call(
  client: Client,
  body: Uint8Array,
  { metadata, deadlineMs, signal }: { metadata: Metadata; deadlineMs: number; signal: AbortSignal },
): Promise<ExportOutcome> {
  const { promise, resolve } = Promise.withResolvers<ExportOutcome>();
  const unary = client.makeUnaryRequest(
    exportMethod,
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
    asBuffer(body),
    metadata,
    { deadline: deadlineMs },
    (error, response) => resolve(error === null ? readAcceptedResponse(response ?? Buffer.alloc(0)) : judge(error)),
  );
  const cancel = () => unary.cancel();
  signal.addEventListener("abort", cancel);
  return promise.finally(() => signal.removeEventListener("abort", cancel));
}

function createClient(endpoint: ParsedEndpoint, spec: EndpointSpec): Client {
  const usesGzip = (spec.compression ?? (isLoopback(endpoint.url) ? "none" : "gzip")) === "gzip";
  const { address, options } = routeOf(endpoint, spec);
  return new Client(address, channelCredentials(endpoint, spec), {
    ...options,
    "grpc.default_compression_algorithm": usesGzip ? compressionAlgorithms.gzip : compressionAlgorithms.identity,
    // Our back-off decides when the next request goes out; grpc-js's own must not make it wait longer than that.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    // An answer is a number and a sentence.
    "grpc.max_receive_message_length": 64 * 1_024,
    "grpc.enable_retries": 0,
    // A new client must not get the connection of one that was left.
    "grpc.use_local_subchannel_pool": 1,
  });
}

function judge(error: ServiceError): ExportOutcome {
  // The library's code for a stream that was reset before a status came; that is no answer of the endpoint's.
  if (error.code === internal && error.details.startsWith("Received RST_STREAM")) {
    return judgeAnswer({ kind: "none", why: "connection reset" }, Date.now());
  }
  const details = error.metadata.get("grpc-status-details-bin")[0];
  return judgeAnswer(
    {
      kind: "grpc",
      code: error.code,
      message: error.details,
      retryDelayMs: details instanceof Buffer ? readRetryDelayMs(details) : undefined,
    },
    Date.now(),
  );
}

function channelCredentials(endpoint: ParsedEndpoint, spec: EndpointSpec): ChannelCredentials {
  if (endpoint.url.protocol === "http:") return credentials.createInsecure();
  const { ca, cert, key } = readTlsFiles(spec.tls);
  return credentials.createSsl(ca ?? null, key ?? null, cert ?? null);
}

/** Where to connect to. What the library makes of a proxy variable is set here by our own option instead. */
function routeOf(endpoint: ParsedEndpoint, spec: EndpointSpec): { address: string; options: ChannelOptions } {
  const address = authorityOf(endpoint.url);
  if (spec.proxyUrl === undefined) return { address, options: { "grpc.enable_http_proxy": 0 } };
  const proxy = new URL(spec.proxyUrl);
  const credentials = proxyCredentials(proxy);
  return {
    address: authorityOf(proxy),
    options: {
      "grpc.enable_http_proxy": 0,
      "grpc.http_connect_target": `dns:${address}`,
      "grpc.default_authority": address,
      ...(credentials === undefined ? {} : { "grpc.http_connect_creds": credentials }),
    },
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
