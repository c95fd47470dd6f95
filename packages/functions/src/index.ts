/** CI Functions: reads, fetches and runs the functions of a job's `run:` list (ci-functions.md). */

export type { BuiltinCall, BuiltinFunction } from "./builtin/builtin-function.ts";
export { checkFunction, type FunctionCheck, loadFunction } from "./check-function.ts";
export type { ContainerProcessesOptions } from "./container/container-options.ts";
export type { ContainerCommand, ContainerProcess, StartInContainer } from "./container/container-process.ts";
export { createContainerProcesses } from "./container/container-processes.ts";
export type {
  ExecDefinition,
  FunctionFile,
  FunctionSpec,
  RunDefinition,
  StepDefinition,
  ValueDeclaration,
  ValueType,
} from "./definition/function-file.ts";
export { printPlace } from "./definition/read-function.ts";
export type { FunctionReference } from "./definition/reference.ts";
export type { DefinitionProblem } from "./definition/yaml-reader.ts";
export { type EvaluationContext, evaluateTemplate, evaluateText } from "./expression/evaluate.ts";
export { ExpressionError, type ExpressionErrorCode } from "./expression/expression-error.ts";
export type { JsonValue } from "./expression/json-value.ts";
export { parseTemplate } from "./expression/template.ts";
export type { Template } from "./expression/tree.ts";
export { type Marks, type Value, valueFromJson, valueToJson } from "./expression/value.ts";
export { FunctionError, type FunctionErrorCode, type TextPlace } from "./function-error.ts";
export type { FileContent, HostFiles, ProjectFiles } from "./run/host-files.ts";
export { createLocalProcesses, type LocalProcessesOptions } from "./run/local-processes.ts";
export type {
  FetchEnd,
  FetchObservation,
  FetchStart,
  FunctionType,
  StepEnd,
  StepObservation,
  StepObserver,
  StepStart,
} from "./run/observer.ts";
export {
  type ForeignHost,
  type ProcessCommand,
  type ProcessExit,
  type ProcessHost,
  ProcessStartError,
} from "./run/process-host.ts";
export { type RunFunctionOptions, runFunction } from "./run/run-function.ts";
export type { JobLogSink, JobVariable, RunStepsOptions, StepsOutcome } from "./run/run-options.ts";
export { runSteps } from "./run/run-steps.ts";
export type { ExecResult, StepResult, StepStatus } from "./run/step-result.ts";
export { stepResultToJson, writeStepResults } from "./run/step-result-json.ts";
export { createFunctionSources } from "./source/create-sources.ts";
export type {
  FetchLimits,
  FunctionSources,
  FunctionSourcesOptions,
  LoadedFunction,
} from "./source/function-sources.ts";
