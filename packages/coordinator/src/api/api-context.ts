import type { Log } from "@jobscope/labkit";
import type { CoordinatorTelemetry, PipelineRequest } from "../coordinator-options.ts";
import type { IdTokens } from "../identity/id-tokens.ts";
import type { CoordinatorState } from "../lifecycle/coordinator-state.ts";
import type { JobContacts } from "../lifecycle/job-contacts.ts";
import type { JobQueue } from "../lifecycle/job-queue.ts";
import type { Lifecycle } from "../lifecycle/lifecycle.ts";
import type { JobRecord, PipelineRecord } from "../lifecycle/records.ts";
import type { Pipeline } from "../pipeline-view.ts";
import type { PipelinePlan } from "../plan-view.ts";
import type { JobFiles } from "../store/job-files.ts";
import type { JobTokens } from "../tokens.ts";
import type { WatchedRepository } from "../watch-repository.ts";

/** What the routes work with. */
export interface ApiContext {
  readonly state: CoordinatorState;
  readonly queue: JobQueue;
  readonly lifecycle: Lifecycle;
  readonly files: JobFiles;
  readonly jobTokens: JobTokens;
  readonly idTokens: IdTokens;
  readonly contacts: JobContacts;
  readonly log: Log;
  readonly now: () => number;
  readonly settings: ApiSettings;
  readonly pipelines: PipelineMaker;
  /** Repositories that are watched, by project path. */
  readonly watched: ReadonlyMap<string, WatchedRepository>;
  /** The pipeline as readers see it. */
  readonly view: (pipeline: PipelineRecord) => Pipeline;
  /** Token of whoever may read the data directory, beside `settings.accessToken`. */
  readonly localToken: string;
  /** More of a job's log was stored. */
  readonly logGrew: (job: JobRecord, storedBytes: number) => void;
  /** Bound address of the server, known once it listens. */
  readonly url: () => string;
}

/** Makes pipelines out of work trees. */
export interface PipelineMaker {
  /** @throws {CoordinatorError} see `Coordinator.planPipeline`. */
  plan(request: PipelineRequest): Promise<PipelinePlan>;
  start(plan: PipelinePlan): PipelineRecord;
}

/** Options of the coordinator, defaults applied. */
export interface ApiSettings {
  readonly longPollMs: number;
  readonly logUpdateIntervalSeconds: number;
  readonly maxArtifactBytes: number;
  readonly maxJobLogBytes: number;
  readonly registrationToken: string | undefined;
  readonly accessToken: string | undefined;
  readonly telemetry: CoordinatorTelemetry;
  readonly environment: Readonly<Record<string, string>>;
}
