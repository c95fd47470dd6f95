import type { Log } from "@jobscope/labkit";
import type { RunnerManagerConfig } from "../config/manager-config.ts";
import type { Environment } from "../config/process-environment.ts";
import type { SignalSource } from "./process-signals.ts";

/** What a long-running command has of its process. */
export interface RunContext {
  readonly log: Log;
  readonly signals: SignalSource;
  readonly environment: Environment;
  /** Told of each configuration that takes the place of the first one: log settings may have changed with it. */
  readonly onConfig?: (config: RunnerManagerConfig) => void;
}
