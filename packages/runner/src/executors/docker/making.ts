import type { ContainerJob } from "../container-job.ts";
import type { PreparationReport } from "../executor.ts";
import type { SharedSettings } from "./containers/container-options.ts";
import type { ContainerStopLimits } from "./containers/stop-container.ts";
import type { Engine } from "./engine.ts";
import type { StaticShells } from "./functions/static-shell.ts";
import type { Labels, Ownership } from "./labels.ts";
import type { JobNames } from "./names.ts";

/** What the preparation of one job is given. */
export interface JobPreparation {
  readonly engine: Engine;
  readonly job: ContainerJob;
  readonly report: PreparationReport;
  readonly ownership: Ownership;
  /** Image in which the stages of ours run, unless the configuration names another. Default: `helperImageName`. */
  readonly helperImage: string | undefined;
  readonly staticShells: StaticShells;
  /** The runner's own: its user's logins for registries. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stopLimits: ContainerStopLimits;
  readonly pullRetryDelaysMs: readonly [number, number] | undefined;
  /** Owns work that goes on after the job: the removal of what was made for it. */
  readonly keepRemoving: (removal: Promise<unknown>) => void;
  readonly signal: AbortSignal;
}

/** What the parts of a preparation share. */
export interface Making extends JobPreparation {
  readonly names: JobNames;
  readonly labels: Labels;
  /** What is to be removed with the job, the last first. */
  readonly made: AsyncDisposableStack;
  readonly shared: SharedSettings;
}
