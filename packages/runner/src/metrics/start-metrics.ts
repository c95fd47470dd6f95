import type { ManagerStatus } from "./manager-status.ts";
import { noMetrics, type RunnerMetrics } from "./runner-metrics.ts";

export interface Metrics extends AsyncDisposable {
  readonly recorder: RunnerMetrics;
  /** Of the server; `undefined` when there is none. */
  readonly url: string | undefined;
  /** What the gauges are read from, from now on. */
  observe(source: { status(): ManagerStatus }): void;
}

/**
 * Counts and serves metrics when there is an address, else does nothing: the library is only loaded when it is used.
 *
 * @throws {Error} when the address cannot be listened on.
 */
export async function startMetrics(listenAddress: string | undefined, systemId: string): Promise<Metrics> {
  if (listenAddress === undefined) {
    return { recorder: noMetrics, url: undefined, observe() {}, async [Symbol.asyncDispose]() {} };
  }
  const [{ createPrometheusMetrics }, { startMetricsServer }] = await Promise.all([
    import("./create-prometheus-metrics.ts"),
    import("./start-metrics-server.ts"),
  ]);
  let status = (): ManagerStatus => ({
    systemId,
    state: "starting",
    concurrent: 0,
    workerSlots: { started: 0, stopped: 0 },
    busyWorkers: 0,
    runners: [],
    jobs: [],
    telemetry: [],
  });
  const recorder = createPrometheusMetrics(() => status(), systemId);
  const server = await startMetricsServer(listenAddress, { registry: recorder.registry, status: () => status() });
  return {
    recorder,
    url: server.url,
    observe: (source) => {
      status = () => source.status();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
