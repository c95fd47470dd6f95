import { createSecureServer, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Server } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { encodePartialSuccess, encodeRetryInfo } from "./encode-response.ts";
import type { Behaviour, OtlpReceiverOptions, RequestSink } from "./otlp-receiver.ts";

/**
 * OTLP/gRPC on bare HTTP/2: a gRPC server library would not let us misbehave below its messages. A message is a flag
 * (1 compressed), its length in 4 bytes, and its bytes; the status is in the trailers.
 */
export function createGrpcServer(sink: RequestSink, tls: OtlpReceiverOptions["tls"]): Server {
  const client = tls?.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true };
  const server = tls === undefined ? createServer() : createSecureServer({ cert: tls.cert, key: tls.key, ...client });
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => {}); // Cancelled by the client: what some tests are about.
    answer(sink, stream, headers).catch(() => stream.close());
  });
  return server;
}

async function answer(sink: RequestSink, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
  const frame = await buffer(stream);
  const isCompressed = frame[0] === 1;
  const body = isCompressed ? gunzipSync(frame.subarray(5)) : frame.subarray(5);
  const path = String(headers[":path"]);
  behave(sink.receive({ headers, path, bytes: body.length, isCompressed, body }), stream);
}

function behave(behaviour: Behaviour, stream: ServerHttp2Stream): void {
  switch (behaviour.kind) {
    case "accept":
      setTimeout(() => respond(stream, Buffer.alloc(0)), behaviour.delayMs ?? 0);
      break;
    case "partial":
      respond(stream, encodePartialSuccess(behaviour.rejectedSpans, behaviour.message));
      break;
    case "malformed":
      respond(stream, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]));
      break;
    case "status": {
      const details =
        behaviour.retryAfterMs === undefined
          ? {}
          : { "grpc-status-details-bin": encodeRetryInfo(behaviour.retryAfterMs).toString("base64") };
      const code = behaviour.status === 413 ? 8 : behaviour.status;
      stream.respond(
        {
          ":status": 200,
          "content-type": "application/grpc",
          "grpc-status": String(code),
          "grpc-message": behaviour.message ?? "",
          ...details,
        },
        { endStream: true },
      );
      break;
    }
    case "reset":
      if (behaviour.when === "mid-answer") stream.respond({ ":status": 200, "content-type": "application/grpc" });
      setImmediate(() => stream.session?.destroy());
      break;
    case "redirect":
      stream.respond({ ":status": 307, location: behaviour.location }, { endStream: true });
      break;
    case "hang":
    case "size-limit":
      break;
  }
}

function respond(stream: ServerHttp2Stream, message: Buffer): void {
  if (stream.destroyed) return;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.concat([head, message]));
}
