import type { ObjectValue } from "../expression/value.ts";
import type { FunctionSources } from "../source/function-sources.ts";
import type { JobEnvironment } from "./environment.ts";
import type { JobLog } from "./job-log.ts";
import type { StepObserver } from "./observer.ts";
import type { ProcessHost } from "./process-host.ts";
import type { JobFiles } from "./step-files.ts";

/** What all steps of one job share while it runs. */
export interface JobRun {
  readonly workDir: string;
  readonly vars: ObjectValue;
  readonly environment: JobEnvironment;
  readonly files: JobFiles;
  readonly log: JobLog;
  readonly sources: FunctionSources;
  readonly processes: ProcessHost;
  /** Guarded: never throws. */
  readonly observer: StepObserver;
  readonly signal: AbortSignal;
  readonly typeMismatch: "error" | "warn";
  readonly engineVersion: string;
  /** `CI_STEPS_LOG_LEVEL` is `debug`. */
  readonly debug: boolean;
  readonly onSensitiveText: (text: string) => void;
  readonly warn: (warning: string) => void;
}
