import type { FunctionError } from "../function-error.ts";
import type { FunctionSources } from "../source/function-sources.ts";
import type { StepObserver } from "./observer.ts";
import type { ProcessHost } from "./process-host.ts";
import type { StepResult } from "./step-result.ts";

/** A CI/CD variable of the job, after expansion (ci-functions.md §8). */
export interface JobVariable {
  readonly key: string;
  readonly value: string;
  /** The value is the content of a file; expressions see the file's path. The engine writes the file, mode 0600. */
  readonly file?: boolean;
}

/** Takes the job log. A returned promise holds the writing process back until it settles. */
export interface JobLogSink {
  write(chunk: Uint8Array): void | Promise<void>;
}

export interface RunStepsOptions {
  /** The payload's `run`: the JSON text, or the list it holds (§1.6). */
  readonly steps: string | readonly unknown[];
  /** The job's directory where commands run, absolute; made (mode 0700) when missing. */
  readonly workDir: string;
  /** Base environment of all processes: what the machine or the image sets, without job variables (§8.2). */
  readonly env: Readonly<Record<string, string>>;
  /** What `vars` holds. `STEPS` and `FF_USE_NATIVE_STEPS` are left out by the engine (§8.2). Default: none. */
  readonly jobVariables?: readonly JobVariable[];
  /** Where functions come from; see `createFunctionSources`. Shared by all jobs of a process. */
  readonly sources: FunctionSources;
  /** Output of the commands, and the line `Running step name=…` before each (§5.5). Unmasked: masking is the sink's. */
  readonly log: JobLogSink;
  /** Aborting it ends the running command politely, then not, and makes the outcome `cancelled`. Also for timeouts. */
  readonly signal: AbortSignal;
  /** Default: nobody watches. */
  readonly observer?: StepObserver;
  /** Where commands run, and where the files are that they see. Default: this machine. */
  readonly processes?: ProcessHost;
  /**
   * Told each text (8 characters or longer) of a declared-sensitive input or output, as soon as the engine knows it, so
   * that the log and the spans can mask it (§4.4). Called before the text can be printed by a step.
   */
  readonly onSensitiveText?: (text: string) => void;
  /**
   * `error` (default): inputs and run-form outputs of an undeclared type fail the step (§4.2, §4.3). `warn`: the value is
   * passed on and {@link StepsOutcome.warnings} says so.
   */
  readonly typeMismatch?: "error" | "warn";
  /** Version reported for built-ins and scripts. Default: this package's. */
  readonly engineVersion?: string;
}

/** How a list of steps ended. Failures of steps are values: only a misuse of the API throws. */
export interface StepsOutcome {
  readonly status: "success" | "failure" | "cancelled";
  /** 0 on success; the failing command's exit code (-1: killed or not started), 1 when no command failed (§5.4). */
  readonly exitCode: number;
  /** Why, with the path of steps in its message; undefined on success. */
  readonly error: FunctionError | undefined;
  /** Holds secrets; `stepResultToJson` gives the form of `step-results.json` (§6). */
  readonly result: StepResult;
  /** One line each, for the job log. */
  readonly warnings: readonly string[];
}
