import type {
  AllowFailure,
  CacheDefinition,
  EnvironmentDefinition,
  ImageDefinition,
  RetryDefinition,
  SecretDefinition,
  TriggerDefinition,
} from "../config/job-definition.ts";
import type { JobInputDefinition } from "../config/job-inputs.ts";
import type { Variable } from "../variables/variable.ts";

/** One job of a pipeline, all decisions taken; plain data, stored as JSON. */
export interface PlannedJob {
  readonly name: string;
  readonly baseName: string;
  readonly pipelineStage: string;
  readonly stageIndex: number;
  /** `before_script` and `script` in one (runner-protocol.md §1.8.5). */
  readonly script: readonly string[];
  readonly afterScript: readonly string[];
  readonly preGetSources: readonly string[];
  readonly run: readonly unknown[] | undefined;
  readonly image: ImageDefinition | undefined;
  readonly services: readonly ImageDefinition[];
  /** Those of the file, weakest first: file-wide, workflow, job, matrix, rule. */
  readonly yamlVariables: readonly Variable[];
  readonly when: "on_success" | "on_failure" | "always" | "manual" | "delayed";
  readonly startInSeconds: number | undefined;
  readonly allowFailure: AllowFailure;
  /** `undefined`: waits for all jobs of earlier stages. */
  readonly needs: readonly PlannedNeed[] | undefined;
  /** Names of the jobs whose artifacts it gets, or all of earlier stages. */
  readonly artifactsFrom: "earlier-stages" | readonly string[];
  readonly retry: RetryDefinition;
  readonly timeoutSeconds: number;
  readonly tags: readonly string[];
  readonly cache: readonly CacheDefinition[];
  readonly artifacts: PlannedArtifacts | undefined;
  readonly interruptible: boolean;
  readonly resourceGroup: string | undefined;
  readonly environment: EnvironmentDefinition | undefined;
  readonly coverage: string | undefined;
  readonly idTokens: Readonly<Record<string, readonly string[]>>;
  readonly secrets: Readonly<Record<string, SecretDefinition>>;
  readonly inputs: Readonly<Record<string, JobInputDefinition>>;
  readonly manualConfirmation: string | undefined;
  /** Place among the jobs that `parallel:` makes of one, from 1. */
  readonly node: { readonly index: number; readonly total: number } | undefined;
  /** Configuration of the child pipeline that this job starts, instead of running a script. */
  readonly childPipeline: TriggerDefinition | undefined;
}

/** A job that must be done before. */
export interface PlannedNeed {
  readonly name: string;
  readonly artifacts: boolean;
}

/** `artifacts:`, as plain data. */
export interface PlannedArtifacts {
  readonly name: string | undefined;
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly untracked: boolean;
  readonly when: string | undefined;
  readonly expireIn: string | undefined;
  readonly reports: Readonly<Record<string, readonly string[]>>;
}
