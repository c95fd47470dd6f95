import { join } from "node:path";
import { silentLog } from "@jobscope/labkit";
import { type Coordinator, type CoordinatorOptions, startCoordinator } from "../../src/index.ts";
import { aRepository, temporaryFolder } from "./temporary-repository.ts";
import { TestRunner } from "./test-runner.ts";

/** A coordinator with one repository and one runner, gone with its scope. */
export interface RunningCoordinator extends AsyncDisposable {
  readonly coordinator: Coordinator;
  readonly repository: string;
  readonly runner: TestRunner;
  readonly folder: string;
}

/** @param config text of `.gitlab-ci.yml`, or all files. */
export async function runningCoordinator(
  config: string | Record<string, string>,
  options: Partial<CoordinatorOptions> = {},
): Promise<RunningCoordinator> {
  const folder = temporaryFolder();
  const files = typeof config === "string" ? { ".gitlab-ci.yml": config } : config;
  const repository = aRepository(join(folder.path, "app"), files);
  const coordinator = await startCoordinator({
    listen: "127.0.0.1:0",
    dataDir: join(folder.path, "data"),
    log: silentLog,
    telemetry: { form: "none", endpoints: [] },
    longPollMs: 2_000,
    ...options,
  });
  const { token } = coordinator.createRunnerToken({ description: "test", runUntagged: true });
  return {
    coordinator,
    repository,
    runner: new TestRunner(coordinator.url, token),
    folder: folder.path,
    [Symbol.asyncDispose]: async () => {
      await coordinator[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}
