import { type Collector, type CollectorAuth, startCollector } from "@jobscope/collector";
import { type Coordinator, type CoordinatorTelemetry, startCoordinator } from "@jobscope/coordinator";
import { createEndpointPool, createSpanProcessor, type EndpointPool, silentLog } from "@jobscope/labkit";
import { parseConfig, type RunnerManager, startRunnerManager } from "@jobscope/runner";
import { type TemporaryDirectory, temporaryDirectory } from "./temporary-directory.ts";

/** A coordinator and a runner that works for it, talking HTTP on loopback; sent telemetry goes to `endpointUrls`. */
export interface Stack extends AsyncDisposable {
  readonly coordinator: Coordinator;
  readonly manager: RunnerManager;
  readonly directory: string;
  /** Waits until all spans of finished jobs were accepted or given up. */
  flush(): Promise<void>;
}

export interface StackOptions {
  /** OTLP endpoints that job payloads name, and where the coordinator's own spans go. */
  readonly endpointUrls: readonly string[];
  readonly telemetry?: CoordinatorTelemetry;
  /** Keys of the runner's `[telemetry]` table. */
  readonly runnerTelemetry?: Readonly<Record<string, unknown>>;
  /** Other keys of its `[[runners]]` table. */
  readonly runner?: Readonly<Record<string, unknown>>;
  readonly concurrent?: number;
}

export async function startStack(options: StackOptions): Promise<Stack> {
  const stack = new AsyncDisposableStack();
  try {
    const { path } = stack.use<TemporaryDirectory>(await temporaryDirectory());
    const pool = stack.use<EndpointPool>(createEndpointPool({ log: silentLog, limits: { shutdownFlushMs: 0 } }));
    const endpoints = options.endpointUrls.map((url) => ({ url }));
    const coordinator = stack.use<Coordinator>(
      await startCoordinator({
        listen: "127.0.0.1:0",
        dataDir: `${path}/coordinator`,
        log: silentLog,
        telemetry: options.telemetry ?? { form: "shipped", endpoints },
        spanProcessors: [createSpanProcessor(endpoints.map((spec) => pool.endpoint(spec)))],
      }),
    );
    const manager = stack.use<RunnerManager>(
      await startRunnerManager({
        config: parseConfig(runnerTable(coordinator, path, options)),
        log: silentLog,
        workingDirectory: path,
      }),
    );
    const owned = stack.move();
    return {
      coordinator,
      manager,
      directory: path,
      async flush() {
        await pool.flush({ signal: AbortSignal.timeout(10_000) });
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function runnerTable(coordinator: Coordinator, directory: string, options: StackOptions): Record<string, unknown> {
  const { id, token } = coordinator.createRunnerToken({
    description: "test runner",
    tags: ["test"],
    runUntagged: true,
  });
  const concurrent = options.concurrent ?? 2;
  const runner = {
    name: "test runner",
    id,
    url: coordinator.url,
    token,
    executor: "shell",
    request_concurrency: concurrent,
    builds_dir: `${directory}/builds`,
    cache_dir: `${directory}/cache`,
    ...options.runner,
  };
  return {
    concurrent,
    check_interval: 1,
    telemetry: { flush_timeout: "1s", ...options.runnerTelemetry },
    runners: [runner],
  };
}

/** A collector with the engine in this process and free ports. */
export async function startTestCollector(dataDir: string, auth: CollectorAuth = {}): Promise<Collector> {
  return await startCollector({
    auth,
    otlpHttp: "127.0.0.1:0",
    otlpGrpc: "127.0.0.1:0",
    api: "127.0.0.1:0",
    store: { kind: "embedded", dataDir },
    log: silentLog,
  });
}
