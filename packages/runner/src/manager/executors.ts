import type { RunnerManagerConfig } from "../config/manager-config.ts";
import type { RunnerConfig } from "../config/runner-config.ts";
import { createDockerExecutor } from "../executors/docker/docker-executor.ts";
import type { Executor } from "../executors/executor.ts";
import { createShellExecutor } from "../executors/shell/shell-executor.ts";
import type { RunnerManagerOptions } from "./runner-manager.ts";

/** The places where the jobs of a runner manager run, one of each kind. */
export interface Executors extends AsyncDisposable {
  /** `undefined` when this runner has no executor of that name, or the entry lacks what it needs. */
  of(runner: Pick<RunnerConfig, "executor" | "docker">): Executor | undefined;
  /** Ends what an earlier process of this runner left, with each of them. */
  sweep(): Promise<void>;
}

export async function createExecutors(
  config: RunnerManagerConfig,
  options: Required<Pick<RunnerManagerOptions, "log" | "environment" | "workingDirectory">>,
): Promise<Executors> {
  const { log, environment, workingDirectory } = options;
  const identity = config.configFile ?? `${config.systemId} ${workingDirectory}`;
  const docker = createDockerExecutor({
    log,
    identity,
    environment,
    configs: config.runners.flatMap((runner) => (isDockerRunner(runner) ? [runner.docker] : [])),
  });
  const shell = await createShellExecutor({ log, environment, workingDirectory, identity });
  return {
    of(runner) {
      if (runner.executor === shell.name) return shell;
      return isDockerRunner(runner) ? docker : undefined;
    },
    async sweep() {
      await Promise.all([shell.sweep(), docker.sweep()]);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([shell[Symbol.asyncDispose](), docker[Symbol.asyncDispose]()]);
    },
  };
}

function isDockerRunner<Runner extends Pick<RunnerConfig, "executor" | "docker">>(
  runner: Runner,
): runner is Runner & { readonly docker: NonNullable<RunnerConfig["docker"]> } {
  return runner.executor === "docker" && runner.docker !== undefined;
}
