import type { ArtifactClient } from "../coordinator-client/coordinator-client.ts";
import type { TaskFacts, TaskReport } from "./workspace.ts";

/** The place where tasks run. */
export interface TaskPlace {
  /** Reaches the coordinator, for artifacts. */
  readonly client: ArtifactClient;
  /** What processes of this place begin with. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Beginning of the names of temporary directories: what is left of a killed process is found by it. */
  readonly temporaryPrefix: string;
}

/** All that a task knows beside its request. */
export interface TaskContext extends TaskPlace {
  readonly report: TaskReport;
  readonly onFacts: (facts: TaskFacts) => void;
  readonly signal: AbortSignal;
}
