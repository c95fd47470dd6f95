import type { FunctionSpec } from "../definition/function-file.ts";
import type { JsonValue } from "../expression/json-value.ts";

/** What a built-in function gets for one invocation. */
export interface BuiltinCall {
  /** Checked against the spec, defaults filled in. */
  readonly inputs: Readonly<Record<string, JsonValue>>;
  /** The step's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The job's directory, or a copy of what the function reads of it; absolute. */
  readonly workDir: string;
  /** Writes one line to the job log. */
  readonly print: (line: string) => Promise<void>;
  readonly signal: AbortSignal;
}

/** A function that ships with the engine and runs inside it (ci-functions.md §2.7). */
export interface BuiltinFunction {
  readonly spec: FunctionSpec;
  /** Paths below the job's directory that an invocation reads, as far as its inputs make sense. */
  readonly reads: (inputs: BuiltinCall["inputs"]) => readonly string[];
  /** Files it leaves in the job's directory when it succeeds. */
  readonly writes: readonly string[];
  /**
   * @returns the outputs, which are then checked like those of any function.
   * @throws {FunctionError} to fail the step.
   */
  readonly run: (call: BuiltinCall) => Promise<Readonly<Record<string, JsonValue>>>;
}
