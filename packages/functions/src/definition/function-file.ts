import type { JsonValue } from "../expression/json-value.ts";
import type { FunctionReference } from "./reference.ts";

/** The five types of inputs and outputs (ci-functions.md §4.1). */
export type ValueType = "string" | "number" | "boolean" | "struct" | "array";

/** Declaration of one input or output (§3.2). */
export interface ValueDeclaration {
  readonly type: ValueType;
  /** Literal, of the declared type; undefined: the value is required. */
  readonly default: JsonValue | undefined;
  readonly sensitive: boolean;
  readonly description: string | undefined;
}

/** What a function takes and gives: the first document of its definition file. */
export interface FunctionSpec {
  readonly inputs: ReadonlyMap<string, ValueDeclaration>;
  readonly outputs: ReadonlyMap<string, ValueDeclaration> | "delegate";
}

/** A command of the function's own (§3.3). Every string is a template. */
export interface ExecDefinition {
  readonly form: "exec";
  readonly command: readonly [string, ...string[]];
  readonly workDir: string | undefined;
  readonly env: ReadonlyMap<string, string>;
}

/** A list of steps (§3.3). */
export interface RunDefinition {
  readonly form: "run";
  readonly steps: readonly StepDefinition[];
  readonly env: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, JsonValue>;
  readonly delegate: string | undefined;
}

/** One invocation in a list (§1.2). A script step is an invocation of the built-in `script` (§1.4). */
export interface StepDefinition {
  readonly name: string;
  readonly reference: FunctionReference;
  /** Values whose strings are templates, to any depth. */
  readonly inputs: ReadonlyMap<string, JsonValue>;
  readonly env: ReadonlyMap<string, string>;
}

/** A definition file (`func.yml`, `step.yml`) as read: interface and implementation. */
export interface FunctionFile {
  readonly spec: FunctionSpec;
  readonly definition: ExecDefinition | RunDefinition;
}
