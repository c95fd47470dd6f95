import { createHash } from "node:crypto";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { AuthSpec } from "../auth/auth-spec.ts";
import { createSharedTokenSources, stableJson } from "../auth/shared-token-sources.ts";
import type { TokenSource } from "../auth/token-source.ts";
import type { Log } from "../logging/log.ts";
import { createDiscreetTransport } from "./discreet-transport.ts";
import type { EndpointStats, FlushOutcome, SpanPriority, TelemetryEndpoint } from "./endpoint.ts";
import type { EndpointSpec } from "./endpoint-spec.ts";
import { checkEndpointSpec, EndpointSpecError } from "./endpoint-spec-check.ts";
import { createEndpointTotals } from "./endpoint-totals.ts";
import { createGrpcTransport } from "./grpc-transport.ts";
import { createHttpTransport } from "./http-transport.ts";
import { defaultEndpointLimits, type EndpointLimits } from "./limits.ts";
import { createPooledEndpoint } from "./pooled-endpoint.ts";
import { QueuedEndpoint } from "./queued-endpoint.ts";
import { spoolKeyOf } from "./spool/endpoint-key.ts";
import { createSpoolOpener, type SpoolOpener, type SpoolOptions } from "./spool/spool-opener.ts";

/** All endpoints of a process. Made once, by whoever owns the process, and shared by all jobs. */
export interface EndpointPool extends AsyncDisposable {
  /**
   * The endpoint for a spec; the same one for the same spec, with one queue and its connections.
   *
   * @throws {EndpointSpecError} when the spec is not usable; `checkEndpointSpec` tells beforehand.
   */
  endpoint(spec: EndpointSpec, options?: EndpointUse): TelemetryEndpoint;
  /**
   * The notes of endpoints for which an earlier process left spans in the spool, and which this one may not know of: what
   * is noted says how to ask for them again. Empty without a spool.
   */
  notesOfUnsent(): Promise<readonly string[]>;
  /** Flushes all endpoints at the same time. Never rejects. */
  flush(options: { signal: AbortSignal }): Promise<FlushOutcome>;
  /**
   * Counters for metrics, one entry for each endpoint name: what was counted for other credentials or settings of the same
   * URL, or by an endpoint that was let go meanwhile, is in it, so that no counter goes backwards. Names of more than 256
   * endpoints that were let go are summed up as `others`.
   */
  stats(): readonly EndpointStats[];
  /**
   * One bounded flush (`limits.shutdownFlushMs`), then everything is let go: no socket or timer stays. What was unsent is
   * counted as dropped.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface EndpointUse {
  /**
   * Kept beside unsent spans for `notesOfUnsent` of the next process, so that it can ask for an endpoint that no
   * configuration names. Nothing secret. The first use of an endpoint decides. Default: none.
   */
  readonly note?: string;
}

export interface EndpointPoolOptions {
  /** Gets the first failure of an endpoint and its recovery, with a count. */
  readonly log: Log;
  /** Default: `defaultEndpointLimits`. */
  readonly limits?: Partial<EndpointLimits>;
  /**
   * Which spans a full queue gives up first. Called once per span, must not throw. Default: 1 for every span, so that the
   * newest goes first.
   */
  readonly priorityOf?: (span: ReadableSpan) => SpanPriority;
  /**
   * Keeps spans on disk until they are accepted, so that they survive a crash of the process; what another process left
   * there is sent too, once its endpoint is asked for. Default: spans are in memory only.
   */
  readonly spool?: SpoolOptions;
  /** Where `bearer-env` and the cloud identities look their variables up. Default: nowhere. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export function createEndpointPool(options: EndpointPoolOptions): EndpointPool {
  const limits = { ...defaultEndpointLimits, ...options.limits };
  /** In the order of their last use, the latest last. */
  const pooled = new Map<string, PoolEntry>();
  const spools = options.spool === undefined ? undefined : createSpoolOpener(options.spool, options.log);
  const tokenSourceOf = createSharedTokenSources({ env: options.env ?? {} });
  const letGo = createEndpointTotals();
  let isDisposed = false;

  const endpoints = () => [...pooled.values()].map(({ endpoint }) => endpoint);

  function letIdleOnesGo(): void {
    for (const [key, { endpoint }] of pooled) {
      if (pooled.size < limits.maxEndpoints) return;
      if (!endpoint.isUnused) continue;
      pooled.delete(key);
      // Nothing is left to count, and disposing needs no waiting for.
      letGo.add(endpoint.stats());
      void endpoint[Symbol.asyncDispose]();
    }
  }

  function obtain(key: string, spec: EndpointSpec, use: EndpointUse, handle?: TelemetryEndpoint): PoolEntry {
    const known = pooled.get(key);
    if (known === undefined) letIdleOnesGo();
    if (known === undefined && pooled.size >= limits.maxEndpoints) {
      throw new EndpointSpecError(`all ${limits.maxEndpoints} telemetry endpoints are busy`);
    }
    const entry = known ?? newEntry(key, spec, use, handle);
    pooled.delete(key);
    pooled.set(key, entry);
    return entry;
  }

  function newEntry(key: string, spec: EndpointSpec, use: EndpointUse, handle?: TelemetryEndpoint): PoolEntry {
    const endpoint = createEndpoint(spec, { ...options, note: use.note, limits, spools, tokenSourceOf });
    const newHandle = () =>
      createPooledEndpoint(endpoint, {
        again: (self) => (isDisposed ? undefined : obtain(key, spec, use, self).endpoint),
        lost: (stats) => letGo.add(stats),
      });
    return { endpoint, handle: handle ?? newHandle() };
  }

  async function flush({ signal }: { signal: AbortSignal }): Promise<FlushOutcome> {
    const outcomes = await Promise.all(endpoints().map((endpoint) => endpoint.flush({ signal })));
    const spans = outcomes.reduce((sum, outcome) => sum + (outcome.kind === "left" ? outcome.spans : 0), 0);
    return spans === 0 ? { kind: "flushed" } : { kind: "left", spans };
  }

  return {
    endpoint(spec, use = {}) {
      if (isDisposed) throw new EndpointSpecError("the endpoint pool was disposed of");
      return obtain(keyOf(spec), spec, use).handle;
    },
    notesOfUnsent: async () => (await spools?.notes()) ?? [],
    flush,
    stats: () => letGo.with(endpoints().map((endpoint) => endpoint.stats())),
    async [Symbol.asyncDispose]() {
      if (isDisposed) return;
      isDisposed = true;
      if (limits.shutdownFlushMs > 0) await flush({ signal: AbortSignal.timeout(limits.shutdownFlushMs) });
      await Promise.all(endpoints().map((endpoint) => endpoint[Symbol.asyncDispose]()));
      await spools?.[Symbol.asyncDispose]();
    },
  };
}

interface PoolEntry {
  readonly endpoint: QueuedEndpoint;
  /** What callers hold. */
  readonly handle: TelemetryEndpoint;
}

/** Specs hold secrets and live as long as their endpoint does; their hash is all that the map needs. */
function keyOf(spec: EndpointSpec): string {
  return createHash("sha256").update(stableJson(spec)).digest("base64");
}

function createEndpoint(
  spec: EndpointSpec,
  {
    limits,
    spools,
    tokenSourceOf,
    note,
    ...options
  }: Omit<EndpointPoolOptions, "limits"> & {
    readonly note: string | undefined;
    readonly limits: EndpointLimits;
    readonly spools: SpoolOpener | undefined;
    readonly tokenSourceOf: (auth: AuthSpec) => TokenSource;
  },
): QueuedEndpoint {
  const check = checkEndpointSpec(spec);
  if (check.kind === "unusable") throw new EndpointSpecError(check.why);
  const { name, protocol, url } = check.endpoint;
  const log = options.log.child({ endpoint: name });
  const transport =
    protocol === "grpc"
      ? createGrpcTransport(check.endpoint, spec)
      : createHttpTransport(check.endpoint, spec, { maxConnections: limits.maxConcurrentRequests });
  return new QueuedEndpoint({
    name,
    url,
    transport: createDiscreetTransport(transport, spec),
    tokenSource: spec.auth === undefined ? undefined : tokenSourceOf(spec.auth),
    limits: {
      ...limits,
      maxQueuedSpans: spec.queue?.maxSpans ?? limits.maxQueuedSpans,
      maxQueuedBytes: spec.queue?.maxBytes ?? limits.maxQueuedBytes,
    },
    priorityOf: options.priorityOf ?? (() => 1),
    log,
    ...(spools === undefined
      ? {}
      : { openSpool: (events) => spools.open(spoolKeyOf(name, spec.auth), { ...events, log, note }) }),
  });
}
