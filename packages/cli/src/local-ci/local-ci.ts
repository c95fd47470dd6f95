import { type Coordinator, startCoordinator } from "@jobscope/coordinator";
import {
  createEndpointPool,
  createSpanProcessor,
  type EndpointPool,
  type EndpointSpec,
  type Log,
} from "@jobscope/labkit";
import type { SpanProcessor } from "@opentelemetry/sdk-trace";
import type { DataDir } from "../data-dir.ts";
import type { CollectorProcess } from "./collector-process.ts";
import { type LocalRunner, type LocalRunnerOptions, startLocalRunner } from "./local-runner.ts";
import { endpointSpecOf, type OtlpEndpoint } from "./otlp-endpoint.ts";

export interface LocalCiOptions {
  readonly dataDir: DataDir;
  /** Address of the coordinator, `HOST:PORT`; port 0 takes a free one. */
  readonly listen: string;
  /** Gets all spans; `undefined`: nobody stores them. */
  readonly collector: CollectorProcess | undefined;
  /** Get all spans too. */
  readonly otlpEndpoints: readonly OtlpEndpoint[];
  /** See all spans in this process as they begin and end. */
  readonly spanProcessors: readonly SpanProcessor[];
  readonly log: Log;
}

/** A coordinator, and a runner that serves it, in this process; they talk HTTP to each other. */
export interface LocalCi extends AsyncDisposable {
  readonly coordinator: Coordinator;
  /**
   * Starts the runner. Once per `LocalCi`.
   *
   * @param options `environment`: what the jobs inherit. `containers`: see `LocalRunnerOptions`.
   */
  startRunner(options: Pick<LocalRunnerOptions, "concurrent" | "environment" | "containers">): Promise<LocalRunner>;
  /** Waits until every endpoint has what is queued, or has failed. */
  flush(signal: AbortSignal): Promise<void>;
}

/** For what comes after `flush`, which should be nothing. */
const lastFlushMs = 1_000;

/** @throws {CoordinatorError} when the address or the data directory is taken. */
export async function startLocalCi(options: LocalCiOptions): Promise<LocalCi> {
  const { collector, otlpEndpoints, log } = options;
  await using starting = new AsyncDisposableStack();
  const pool = starting.use(createEndpointPool({ log, limits: { shutdownFlushMs: lastFlushMs } }));
  const coordinator = starting.use(
    await startCoordinator({
      listen: options.listen,
      dataDir: options.dataDir.coordinator,
      log,
      // A cancel reaches the runner with its next report: here nobody minds one a second.
      logUpdateIntervalSeconds: 1,
      telemetry: { form: "shipped", endpoints: collector === undefined ? [] : [{ url: collector.otlpHttpUrl }] },
      spanProcessors: [lifecycleProcessor(pool, collector, otlpEndpoints), ...options.spanProcessors],
    }),
  );
  const running = starting.move();
  return {
    coordinator,
    startRunner: async (wishes) => running.use(await startLocalRunner({ ...options, ...wishes, coordinator })),
    flush: async (signal) => {
      await pool.flush({ signal });
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Sends the coordinator's own spans to where the runner sends its. */
function lifecycleProcessor(
  pool: EndpointPool,
  collector: CollectorProcess | undefined,
  otlpEndpoints: readonly OtlpEndpoint[],
): SpanProcessor {
  const own: EndpointSpec[] = collector === undefined ? [] : [{ url: collector.otlpHttpUrl }];
  return createSpanProcessor([...own, ...otlpEndpoints.map(endpointSpecOf)].map((spec) => pool.endpoint(spec)));
}
