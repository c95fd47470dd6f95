import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { decodeRequest, type ReceivedSpan } from "./decode-request.ts";
import { createGrpcServer } from "./grpc-server.ts";
import { createHttpServer } from "./http-server.ts";

export type { ReceivedSpan } from "./decode-request.ts";

/** How the receiver treats one request. */
export type Behaviour =
  /** Takes the spans; `delayMs` later it says so. */
  | { readonly kind: "accept"; readonly delayMs?: number }
  /** Takes all but `rejectedSpans` of them. */
  | { readonly kind: "partial"; readonly rejectedSpans: number; readonly message: string }
  /** Takes the spans, then answers with bytes that are no response. */
  | { readonly kind: "malformed" }
  /** Answers with a status and takes nothing: an HTTP status, or a gRPC code. */
  | { readonly kind: "status"; readonly status: number; readonly retryAfterMs?: number; readonly message?: string }
  /** 307. */
  | { readonly kind: "redirect"; readonly location: string }
  /** Reads the request and never answers. */
  | { readonly kind: "hang" }
  /** Closes the connection when the request was read, `mid-answer` after the first bytes of the answer. */
  | { readonly kind: "reset"; readonly when: "before-answer" | "mid-answer" }
  /** Takes spans in requests of up to this size; larger ones are refused as too large. */
  | { readonly kind: "size-limit"; readonly maxBytes: number };

export interface ReceivedRequest {
  /** Monotonic clock. */
  readonly atMs: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly path: string;
  /** Size of the protobuf body, uncompressed. */
  readonly bytes: number;
  readonly isCompressed: boolean;
  readonly spans: readonly ReceivedSpan[];
}

/**
 * An OTLP endpoint that can misbehave, on a real socket of this machine: HTTP with protobuf, or gRPC.
 *
 * Contract: behaviours given to `next` are used up first, one a request; then `always`, which begins as `accept`. `spans`
 * are those that it said it accepted (or accepted without being able to say so).
 */
export interface OtlpReceiver extends AsyncDisposable {
  /** For an `EndpointSpec`. */
  readonly url: string;
  readonly port: number;
  readonly spans: readonly ReceivedSpan[];
  readonly requests: readonly ReceivedRequest[];
  /** Connections that were ever opened. */
  readonly connections: number;
  next(...behaviours: readonly Behaviour[]): void;
  always(behaviour: Behaviour): void;
  /** Resolves as soon as the condition holds, looking after each request. @throws the signal's reason. */
  waitFor(condition: () => boolean, options?: { signal?: AbortSignal }): Promise<void>;
}

export interface OtlpReceiverOptions {
  /** Default `http`. */
  readonly protocol?: "http" | "grpc";
  /** Default: any free port. */
  readonly port?: number;
  /** PEM; makes the receiver speak TLS. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
}

/** What a server needs to know from the receiver. */
export interface RequestSink {
  receive(request: Omit<ReceivedRequest, "atMs" | "spans"> & { body: Buffer }): Behaviour;
}

export async function startOtlpReceiver(options: OtlpReceiverOptions = {}): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const requests: ReceivedRequest[] = [];
  const scripted: Behaviour[] = [];
  const waiting = new Set<() => void>();
  const sockets = new Set<Socket>();
  let standing: Behaviour = { kind: "accept" };
  let connections = 0;

  const sink: RequestSink = {
    receive({ body, ...request }) {
      const received = decodeRequest(body);
      requests.push({ ...request, atMs: performance.now(), spans: received });
      const behaviour = decideSize(scripted.shift() ?? standing, request.bytes);
      if (takesSpans(behaviour)) spans.push(...received.slice(rejectedBy(behaviour)));
      queueMicrotask(() => {
        for (const look of waiting) look();
      });
      return behaviour;
    },
  };
  const isGrpc = options.protocol === "grpc";
  const server: Server = isGrpc ? createGrpcServer(sink, options.tls) : createHttpServer(sink, options.tls);
  server.on(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    url: `${isGrpc ? "grpc" : "http"}${options.tls === undefined ? "" : "s"}://127.0.0.1:${port}`,
    port,
    spans,
    requests,
    get connections() {
      return connections;
    },
    next: (...behaviours) => void scripted.push(...behaviours),
    always: (behaviour) => {
      standing = behaviour;
    },
    async waitFor(condition, { signal = AbortSignal.timeout(10_000) } = {}) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = () => condition() && resolve();
      // A timer of its own: the one of AbortSignal.timeout would not keep a test alive that waits for nothing else.
      const alive = setInterval(() => {}, 1_000);
      signal.addEventListener("abort", () => reject(signal.reason));
      waiting.add(look);
      look();
      await promise.finally(() => {
        clearInterval(alive);
        waiting.delete(look);
      });
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function decideSize(behaviour: Behaviour, bytes: number): Behaviour {
  if (behaviour.kind !== "size-limit") return behaviour;
  if (bytes <= behaviour.maxBytes) return { kind: "accept" };
  return {
    kind: "status",
    status: 413,
    message: `received message larger than max (${bytes} vs. ${behaviour.maxBytes})`,
  };
}

function takesSpans(behaviour: Behaviour): boolean {
  return behaviour.kind === "accept" || behaviour.kind === "partial" || behaviour.kind === "malformed";
}

function rejectedBy(behaviour: Behaviour): number {
  return behaviour.kind === "partial" ? behaviour.rejectedSpans : 0;
}
