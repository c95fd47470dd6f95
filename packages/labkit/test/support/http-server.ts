import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { encodePartialSuccess } from "./encode-response.ts";
import type { Behaviour, OtlpReceiverOptions, RequestSink } from "./otlp-receiver.ts";

/** OTLP/HTTP with protobuf bodies. */
export function createHttpServer(sink: RequestSink, tls: OtlpReceiverOptions["tls"]): Server {
  const listener: RequestListener = (request, response) => {
    // A client that goes away in the middle of its request is what some tests are about.
    answer(sink, request, response).catch(() => response.destroy());
  };
  if (tls === undefined) return createServer(listener);
  const client = tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true };
  return createTlsServer({ cert: tls.cert, key: tls.key, ...client }, listener);
}

async function answer(sink: RequestSink, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const sent = await buffer(request);
  const isCompressed = request.headers["content-encoding"] === "gzip";
  const body = isCompressed ? gunzipSync(sent) : sent;
  const behaviour = sink.receive({
    headers: request.headers,
    path: request.url ?? "",
    bytes: body.length,
    isCompressed,
    body,
  });
  behave(behaviour, request, response);
}

function behave(behaviour: Behaviour, request: IncomingMessage, response: ServerResponse): void {
  const accepted = { "content-type": "application/x-protobuf" };
  switch (behaviour.kind) {
    case "accept":
      setTimeout(() => response.writeHead(200, accepted).end(), behaviour.delayMs ?? 0);
      break;
    case "partial":
      response.writeHead(200, accepted).end(encodePartialSuccess(behaviour.rejectedSpans, behaviour.message));
      break;
    case "malformed":
      response.writeHead(200, accepted).end(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]));
      break;
    case "status": {
      const { status, retryAfterMs, message } = behaviour;
      const retryAfter = retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) };
      response.writeHead(status, retryAfter).end(message);
      break;
    }
    case "redirect":
      response.writeHead(307, { location: behaviour.location }).end();
      break;
    case "reset":
      if (behaviour.when === "mid-answer") response.writeHead(200, { ...accepted, "content-length": 100 }).write("x");
      setImmediate(() => request.socket.destroy());
      break;
    case "hang":
    case "size-limit":
      break;
  }
}
