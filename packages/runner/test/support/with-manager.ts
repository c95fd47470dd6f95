import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLog } from "@jobscope/labkit";
import { parseConfig } from "../../src/config/parse-config.ts";
import type { RunnerManager, RunnerManagerOptions } from "../../src/manager/runner-manager.ts";
import { startRunnerManager } from "../../src/manager/start-runner-manager.ts";
import { aJobPayload } from "./job-payload.ts";
import { type ScriptableCoordinator, startScriptableCoordinator } from "./scriptable-coordinator.ts";

export interface ManagerScene {
  readonly coordinator: ScriptableCoordinator;
  readonly manager: RunnerManager;
  readonly directory: string;
}

/** Runs a manager with one shell runner against a scriptable coordinator, in a directory of its own. */
export async function withManager(
  run: (scene: ManagerScene) => Promise<void>,
  options: {
    readonly config?: Readonly<Record<string, unknown>>;
    readonly runner?: Readonly<Record<string, unknown>>;
    readonly prepare?: (coordinator: ScriptableCoordinator) => void;
    readonly manager?: Partial<RunnerManagerOptions>;
    /** Further variables of the runner's process. */
    readonly environment?: Readonly<Record<string, string>>;
  } = {},
): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-manager-"));
  try {
    await using coordinator = await startScriptableCoordinator();
    options.prepare?.(coordinator);
    const runner = { name: "test runner", url: coordinator.url, token: "glrt-0123456789", executor: "shell" };
    const config = parseConfig(
      { check_interval: 1, ...options.config, runners: [{ ...runner, ...options.runner }] },
      { environment: {}, workingDirectory: directory },
    );
    await using manager = await startRunnerManager({
      config,
      log: silentLog,
      workingDirectory: directory,
      environment: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: directory, ...options.environment },
      ...options.manager,
    });
    await run({ coordinator, manager, directory });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A job with this script and nothing else to do. */
export function aScriptJob(id: number, script: readonly string[], changes: Readonly<Record<string, unknown>> = {}) {
  return {
    status: 201,
    body: aJobPayload({ id, token: `glcbt-${id}`, steps: [{ name: "script", script }], ...changes }),
  };
}

/** The whole log of a job as the coordinator got it, without the header of timestamps. */
export function logOf(coordinator: ScriptableCoordinator, jobId: number): string {
  const patches = coordinator.callsOf("patch").filter(({ path: at }) => at.includes(`/jobs/${jobId}/`));
  return Buffer.concat(patches.map(({ body }) => body)).toString();
}

/** Resolves with the body of the job's last update, the one whose state is final. */
export async function finalUpdateOf(coordinator: ScriptableCoordinator, jobId: number) {
  const { json } = await coordinator.waitFor(
    "update",
    ({ path: at, json }) => at.endsWith(`/jobs/${jobId}`) && json?.["state"] !== "running",
  );
  return json ?? {};
}
