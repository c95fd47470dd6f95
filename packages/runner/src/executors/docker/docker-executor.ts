import { createHash } from "node:crypto";
import type { Log } from "@jobscope/labkit";
import type { DockerConfig } from "../../config/docker-config.ts";
import type { Executor, SweepReport } from "../executor.ts";
import { within } from "../within.ts";
import { type ContainerStopLimits, defaultContainerStopLimits } from "./containers/stop-container.ts";
import { createEngine, type Engine, misconfigured } from "./engine.ts";
import { createStaticShells } from "./functions/static-shell.ts";
import { createOwnership } from "./labels.ts";
import { prepareJob } from "./prepare-job.ts";
import { sweepEngine } from "./sweep-engine.ts";

export interface DockerExecutorOptions {
  readonly log: Log;
  /** What tells this runner from others of the machine and stays the same when it is started again: its config file, say. */
  readonly identity: string;
  /** The runner process's: its user's logins for registries. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `[runners.docker]` of all runners of the configuration: on their engines is swept. */
  readonly configs: readonly DockerConfig[];
  /** Image in which the stages of ours run, unless a configuration names another. Default: that of this version. */
  readonly helperImage?: string;
  readonly stopLimits?: Partial<ContainerStopLimits>;
  /** How long an engine may take to begin an answer. Default: two minutes. */
  readonly answerTimeoutMs?: number;
  /** Shortest and longest wait before another try at a pull. Default: 2 and 10 s. */
  readonly pullRetryDelaysMs?: readonly [number, number];
}

/** How long the end of the process waits for the removal of what jobs have left. */
const lastRemovalsMs = 30_000;

/** Runs jobs in containers of a Docker Engine. Rule: runner-protocol.md §4. */
export function createDockerExecutor(options: DockerExecutorOptions): Executor {
  const { log } = options;
  const owner = createHash("sha256").update(options.identity).digest("hex").slice(0, 16);
  const ownership = createOwnership(owner);
  const staticShells = createStaticShells();
  const engines = new Map<string, Promise<Engine>>();
  const removals = new Set<Promise<unknown>>();

  function engineOf(config: DockerConfig): Promise<Engine> {
    const key = JSON.stringify([config.host, config.tlsCertPath, config.verifiesTls]);
    const engine = engines.get(key) ?? createEngine(config, options.answerTimeoutMs);
    engines.set(key, engine);
    return engine;
  }

  /** Removals that failed, of an engine that was lost: to be tried again when the next job comes. */
  const overdue = new Set<() => Promise<unknown>>();

  /** @param again removes what the removal may have left. */
  function keepRemoving(removal: Promise<unknown>, again: () => Promise<unknown>): void {
    const watched = removal
      .catch((error: unknown) => {
        log.warn("what was made for a job could not all be removed; it is tried again later", { err: error });
        overdue.add(again);
      })
      .finally(() => removals.delete(watched));
    removals.add(watched);
  }

  function removeOverdue(): void {
    const due = [...overdue];
    overdue.clear();
    for (const again of due) keepRemoving(again(), again);
  }

  return {
    name: "docker",
    exitWord: "code",
    async sweep(): Promise<SweepReport> {
      let endedProcesses = 0;
      for (const engine of await Promise.all(options.configs.map(engineOf))) {
        try {
          endedProcesses += await sweepEngine(engine, ownership.filter, ownership.isOrphaned);
        } catch (error) {
          log.warn("the Docker engine could not be searched for leftovers of an earlier run", { err: error });
        }
      }
      if (endedProcesses > 0) log.warn("containers of an earlier run were removed", { count: endedProcesses });
      return { endedProcesses };
    },
    async prepare({ containers }, { signal }) {
      signal.throwIfAborted();
      if (containers === undefined) throw misconfigured("missing docker configuration");
      removeOverdue();
      const engine = await engineOf(containers.job.docker);
      const { jobId } = containers.job.identity;
      const removeAgain = () => sweepEngine(engine, ownership.filter, (labels) => ownership.isOfJob(labels, jobId));
      return prepareJob({
        engine,
        job: containers.job,
        report: containers.report,
        ownership,
        environment: options.environment,
        helperImage: options.helperImage,
        staticShells,
        stopLimits: { ...defaultContainerStopLimits, ...options.stopLimits },
        pullRetryDelaysMs: options.pullRetryDelaysMs,
        keepRemoving: (removal) => keepRemoving(removal, removeAgain),
        signal,
      });
    },
    async [Symbol.asyncDispose]() {
      const all = async () => {
        while (removals.size > 0) await Promise.all(removals);
        removeOverdue();
        await Promise.all(removals);
      };
      if (await within(lastRemovalsMs, all())) return;
      log.warn("the Docker engine does not answer; the next start removes what jobs have left on it");
    },
  };
}
