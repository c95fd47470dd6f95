import { rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { ContainerJobs, Coordinator } from "@jobscope/coordinator";
import type { Log } from "@jobscope/labkit";
import { loadConfig, startRunnerManager } from "@jobscope/runner";
import type { SpanProcessor } from "@opentelemetry/sdk-trace";
import type { DataDir } from "../data-dir.ts";
import type { Environment } from "../process-environment.ts";
import { makeBuildsDirectory } from "./builds-directory.ts";
import type { OtlpEndpoint } from "./otlp-endpoint.ts";
import { runnerConfigFile } from "./runner-config-file.ts";

/** The runner of this process; its builds directory goes with it, its cache stays in the data directory. */
export interface LocalRunner extends AsyncDisposable {
  /** Kills what runs. `reason` ends the sentence `aborted: …` in the job logs. */
  abort(reason: string): void;
}

export interface LocalRunnerOptions {
  readonly coordinator: Coordinator;
  readonly concurrent: number;
  readonly environment: Environment;
  /**
   * What becomes of jobs with an image or services. `docker`: they run in containers, and `prepareContainers` was called;
   * `ignored`: in a shell as the others; `none`: nobody takes them.
   */
  readonly containers: "docker" | "ignored" | "none";
  readonly dataDir: DataDir;
  readonly otlpEndpoints: readonly OtlpEndpoint[];
  readonly spanProcessors: readonly SpanProcessor[];
  readonly log: Log;
}

export async function startLocalRunner(options: LocalRunnerOptions): Promise<LocalRunner> {
  const { coordinator, dataDir, concurrent, environment, containers, otlpEndpoints } = options;
  // Tags choose among runners; here there is one, and whoever runs the pipeline has chosen it.
  const tokenOf = (description: string, jobs: ContainerJobs) =>
    coordinator.createRunnerToken({ description, ignoresTags: true, containers: jobs }).token;
  await using starting = new AsyncDisposableStack();
  const directory = starting.use(await makeBuildsDirectory(dataDir.runner));
  const name = `jobscope on ${hostname()}`;
  // Always the same path: by it the runner knows processes that a killed one has left.
  const configFile = join(dataDir.runner, "config.toml");
  const settings = {
    coordinatorUrl: coordinator.url,
    runnerToken: tokenOf(name, containers === "ignored" ? "ignored" : "announced"),
    dockerRunnerToken: containers === "docker" ? tokenOf(`${name}, in containers`, "only") : undefined,
    name,
    concurrent,
    buildsDir: join(directory.path, "builds"),
    cacheDir: dataDir.cache,
    path: environment["PATH"],
    otlpEndpoints,
  };
  // It holds the runner token, and the headers of the user's endpoints.
  await writeFile(configFile, runnerConfigFile(settings), { mode: 0o600 });
  starting.defer(() => rm(configFile, { force: true }));
  const manager = starting.use(
    await startRunnerManager({
      config: await loadConfig(configFile, { environment: withoutEndpoints(environment) }),
      environment,
      log: options.log,
      spanProcessors: options.spanProcessors,
      workingDirectory: directory.path,
    }),
  );
  const running = starting.move();
  return { abort: (reason) => manager.abort(reason), [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Where a pipeline's spans go is said on the command line, for the coordinator's as for the runner's. */
function withoutEndpoints(environment: Environment): Environment {
  const isEndpoint = /^(?:OTEL_EXPORTER_OTLP_|JOBSCOPE_TELEMETRY_ENDPOINTS_)/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !isEndpoint.test(name)));
}
