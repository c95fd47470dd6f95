import type { FunctionFile } from "../definition/function-file.ts";
import type { FunctionReference } from "../definition/reference.ts";
import type { JsonValue } from "../expression/json-value.ts";

export type StepStatus = "running" | "success" | "failure" | "cancelled";

/**
 * What one executed function came to; the job's own list is the root (ci-functions.md §6).
 *
 * Holds secrets (environment, inputs): show it to nobody who did not ask for it.
 */
export interface StepResult {
  /** Empty for the root. */
  readonly name: string;
  /** Undefined for the root. */
  readonly reference: FunctionReference | undefined;
  /** The given inputs, evaluated; no defaults. */
  readonly inputs: Readonly<Record<string, JsonValue>>;
  /** `env` of the invocation: the complete environment before the definition's own was added. */
  readonly callEnv: Readonly<Record<string, string>>;
  readonly definition: FunctionFile | undefined;
  status: StepStatus;
  outputs: Readonly<Record<string, JsonValue>>;
  exports: Readonly<Record<string, string>>;
  /** The complete environment with the definition's own `env`. */
  env: Readonly<Record<string, string>>;
  exec: ExecResult | undefined;
  /** Results of the steps that ran, in order; undefined for other forms than run. */
  steps: readonly StepResult[] | undefined;
}

export interface ExecResult {
  readonly command: readonly string[];
  readonly workDir: string;
  /** -1 when a signal ended the process, or it never started. */
  readonly exitCode: number;
}
