import type { DropReason } from "@jobscope/labkit";
import type { TestCertificates } from "./certificates.ts";
import { type Behaviour, type OtlpReceiver, startOtlpReceiver } from "./otlp-receiver.ts";
import { type RelayMode, startTcpRelay, type TcpRelay } from "./tcp-relay.ts";

/** An endpoint in trouble: a receiver that can misbehave behind a relay that can spoil its connections. */
export interface FaultyEndpoint extends AsyncDisposable {
  /** Where the exporter is sent. */
  readonly url: string;
  readonly receiver: OtlpReceiver;
  /** Ends the trouble; without effect on one that cannot end. */
  recover(): Promise<void>;
}

/** What an endpoint can do wrong, and what becomes of the spans meanwhile. */
export interface EndpointFault {
  readonly name: string;
  /** Begins the trouble. */
  readonly begin: (setting: Setting) => Promise<void> | void;
  /** Ends it; undefined when it cannot end. */
  readonly end: ((setting: Setting) => Promise<void> | void) | undefined;
  /** What counts the spans of that time that are not stored, besides `queue_full`. Empty: none of them is lost. */
  readonly losses: readonly DropReason[];
  /** What the stats say about it; undefined when it is no failure. */
  readonly why: RegExp | undefined;
  /** Where the exporter is sent instead of the relay. */
  readonly url?: (setting: Setting) => string;
  /** The receiver speaks TLS with a certificate that nobody trusts. */
  readonly hasTls?: true;
  /** The exporter has a bearer token that it can renew. */
  readonly needsToken?: true;
  /** Requests larger than that are refused; the bytes are the caller's choice. */
  readonly limitsSize?: true;
  /**
   * Requests end by their timeout. On a slow machine one may end so that was taken after all: it is sent again then,
   * with the same ids, as the contract has it.
   */
  readonly timesOut?: true;
}

interface Setting {
  readonly receiver: OtlpReceiver;
  readonly relay: TcpRelay;
  readonly protocol: "http" | "grpc";
  readonly maxBytes: number;
}

const status = (http: number, grpc: number, more: { retryAfterMs?: number; message?: string } = {}) => ({
  begin: ({ receiver, protocol }: Setting) =>
    receiver.always({ kind: "status", status: protocol === "http" ? http : grpc, ...more }),
  end: accept,
  why: new RegExp(`status (${http}|${grpc})`),
});
const behaviour = (always: Behaviour) => ({ begin: ({ receiver }: Setting) => receiver.always(always), end: accept });
const connections = (mode: RelayMode) => ({
  begin: ({ relay }: Setting) => relay.setMode(mode),
  end: ({ relay }: Setting) => relay.setMode("forward"),
  losses: [],
});

function accept({ receiver }: Setting): void {
  receiver.always({ kind: "accept" });
}

/** Every way to fail that telemetry.md §4 and OTLP know of, for both protocols. */
export const endpointFaults: readonly EndpointFault[] = [
  { name: "nobody there", ...connections("closed"), why: /refused/i },
  { name: "connections that are closed at once", ...connections("reset"), why: /reset|closed|14/i },
  { name: "connections that are half closed", ...connections("half-closed"), why: /reset|closed|14/i },
  {
    name: "connections on which nothing is answered",
    ...connections("silent"),
    timesOut: true,
    why: /no answer|status (4|14)/,
  },
  {
    name: "connections on which nothing is read",
    ...connections("deaf"),
    timesOut: true,
    why: /no answer|status (4|14)/,
  },
  {
    name: "connections that end in the middle of a request",
    ...connections("reset-mid-request"),
    why: /reset|closed|14/i,
  },
  { name: "a slow reader", ...connections("slow"), why: undefined },
  {
    name: "a host name that does not exist",
    begin: () => {},
    end: undefined,
    url: ({ protocol }) => `${protocol}://collector.invalid:4317`,
    losses: ["shutdown"],
    why: /name/i,
  },
  {
    name: "a certificate of an unknown authority",
    begin: () => {},
    end: undefined,
    hasTls: true,
    losses: ["shutdown"],
    why: /certificate/,
  },
  {
    name: "an answer that never comes",
    ...behaviour({ kind: "hang" }),
    timesOut: true,
    losses: [],
    why: /no answer|status 4/,
  },
  {
    name: "a reset before the answer",
    ...behaviour({ kind: "reset", when: "before-answer" }),
    losses: [],
    why: /closed|reset|14/i,
  },
  {
    name: "a reset in the middle of the answer",
    ...behaviour({ kind: "reset", when: "mid-answer" }),
    losses: [],
    why: /closed|reset|14|terminated/i,
  },
  { name: "400", ...status(400, 3), losses: ["refused"] },
  { name: "401", ...status(401, 16), losses: ["unauthorized"] },
  { name: "403", ...status(403, 7), losses: ["unauthorized"] },
  { name: "404", ...status(404, 12), losses: ["refused"] },
  { name: "429 with patience asked for", ...status(429, 8, { retryAfterMs: 20 }), losses: [] },
  { name: "429 without", ...status(429, 14), losses: [] },
  { name: "500", ...status(500, 13), losses: ["refused"] },
  { name: "502", ...status(502, 10), losses: [] },
  { name: "503", ...status(503, 14), losses: [] },
  { name: "504", ...status(504, 4), losses: [] },
  {
    name: "a redirect",
    ...behaviour({ kind: "redirect", location: "http://127.0.0.1:1/" }),
    losses: ["refused"],
    why: /307/,
  },
  {
    name: "a partial success",
    ...behaviour({ kind: "partial", rejectedSpans: 2, message: "too old" }),
    losses: ["partial_success"],
    why: undefined,
  },
  { name: "a malformed answer", ...behaviour({ kind: "malformed" }), losses: [], why: undefined },
  {
    name: "an expired token",
    begin: ({ receiver, protocol }) => receiver.next({ kind: "status", status: protocol === "http" ? 401 : 16 }),
    end: () => {},
    needsToken: true,
    losses: [],
    why: undefined,
  },
  {
    name: "413: a limit for the size of a request",
    begin: ({ receiver, maxBytes }) => receiver.always({ kind: "size-limit", maxBytes }),
    end: accept,
    limitsSize: true,
    losses: [],
    why: /status (413|8)/,
  },
];

/**
 * Starts an endpoint with a fault that has begun.
 *
 * @param options `maxBytes`: for the fault that limits the size of requests.
 */
export async function startFaultyEndpoint(
  fault: EndpointFault,
  options: { protocol: "http" | "grpc"; certificates: TestCertificates; maxBytes: number },
): Promise<FaultyEndpoint> {
  await using stack = new AsyncDisposableStack();
  const { protocol, certificates, maxBytes } = options;
  const tls = fault.hasTls === undefined ? {} : { tls: certificates.server };
  const receiver = stack.use<OtlpReceiver>(await startOtlpReceiver({ protocol, ...tls }));
  const relay = stack.use<TcpRelay>(await startTcpRelay(receiver.port));
  const setting: Setting = { receiver, relay, protocol, maxBytes };
  await fault.begin(setting);
  const owned = stack.move();
  return {
    url:
      fault.url?.(setting) ??
      // A server's name in TLS must not be an address.
      (fault.hasTls ? `${protocol}s://localhost:${relay.port}` : `${protocol}://127.0.0.1:${relay.port}`),
    receiver,
    recover: async () => fault.end?.(setting),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
