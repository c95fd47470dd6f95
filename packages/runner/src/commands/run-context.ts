import type { Log } from "@jobscope/labkit";
import type { Environment } from "../config/process-environment.ts";
import type { SignalSource } from "./process-signals.ts";

/** What a long-running command has of its process. */
export interface RunContext {
  readonly log: Log;
  readonly signals: SignalSource;
  readonly environment: Environment;
}
