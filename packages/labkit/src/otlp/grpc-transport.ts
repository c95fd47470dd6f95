import {
  type ChannelCredentials,
  Client,
  type ClientUnaryCall,
  compressionAlgorithms,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import type { EndpointSpec, ParsedEndpoint } from "./endpoint-spec.ts";
import { isLoopback } from "./endpoint-spec-check.ts";
import type { ExportOutcome } from "./export-outcome.ts";
import { readRetryDelayMs } from "./grpc-retry-info.ts";
import { defaultTimeoutMs } from "./http-transport.ts";
import { readAcceptedResponse } from "./response.ts";
import { judgeAnswer } from "./retry-rules.ts";
import { readTlsFiles } from "./tls-files.ts";
import type { Transport } from "./transport.ts";

const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/** OTLP/gRPC. All requests share one HTTP/2 connection, which grpc-js opens again when it was lost. */
export function createGrpcTransport(endpoint: ParsedEndpoint, spec: EndpointSpec): Transport {
  const timeoutMs = spec.timeoutMs ?? defaultTimeoutMs;
  const usesGzip = (spec.compression ?? (isLoopback(endpoint.url) ? "none" : "gzip")) === "gzip";
  const client = new Client(addressOf(endpoint.url), channelCredentials(endpoint, spec), {
    "grpc.default_compression_algorithm": usesGzip ? compressionAlgorithms.gzip : compressionAlgorithms.identity,
    // Our back-off decides when the next request goes out; grpc-js's own must not make it wait longer than that.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    // An answer is a number and a sentence.
    "grpc.max_receive_message_length": 64 * 1_024,
    "grpc.enable_retries": 0,
  });

  return {
    send(request, { headers, signal }) {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries({ ...spec.headers, ...headers })) metadata.set(name, value);
      const { promise, resolve } = Promise.withResolvers<ExportOutcome>();
      let call: ClientUnaryCall | undefined;
      const cancel = () => call?.cancel();
      const done = (outcome: ExportOutcome) => {
        signal.removeEventListener("abort", cancel);
        resolve(outcome);
      };
      if (signal.aborted) return Promise.resolve(judgeAnswer({ kind: "none", why: "cancelled" }, Date.now()));
      try {
        call = client.makeUnaryRequest(
          exportMethod,
          (body: Buffer) => body,
          (body: Buffer) => body,
          asBuffer(request.body),
          metadata,
          { deadline: Date.now() + timeoutMs },
          (error, response) => done(error === null ? readAcceptedResponse(response ?? Buffer.alloc(0)) : judge(error)),
        );
        signal.addEventListener("abort", cancel);
      } catch (error) {
        // grpc-js throws when the client was closed.
        done(judgeAnswer({ kind: "none", why: error instanceof Error ? error.message : "failed" }, Date.now()));
      }
      return promise;
    },
    async close() {
      client.close();
    },
  };
}

function judge(error: ServiceError): ExportOutcome {
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

/** `URL` drops a default port that gRPC's names need. */
function addressOf(url: URL): string {
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return `${url.hostname}:${port}`;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
