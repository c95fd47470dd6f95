import { EventEmitter } from "node:events";
import type { Log } from "@jobscope/labkit";
import { finalStates, type JobState } from "../job-state.ts";
import type { Pipeline, PipelineEvents, PipelineView } from "../pipeline-view.ts";
import type { CoordinatorState } from "./coordinator-state.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { JobRecord, PipelineRecord } from "./records.ts";
import { viewJob, viewPipeline } from "./views.ts";

/** Hands out one {@link Pipeline} a record, and feeds its events from the lifecycle. */
export class PipelineHandles {
  readonly #deps: { state: CoordinatorState; lifecycle: Lifecycle; log: Log };
  readonly #handles = new Map<number, PipelineHandle>();

  constructor(deps: { state: CoordinatorState; lifecycle: Lifecycle; log: Log }) {
    this.#deps = deps;
    deps.lifecycle.observe({
      jobChanged: (job) => this.#handles.get(job.pipelineId)?.tellJob(job),
      pipelineChanged: (pipeline) => {
        this.#handles.get(pipeline.id)?.tellPipeline();
        if (pipeline.rootPipelineId !== pipeline.id) this.#handles.get(pipeline.rootPipelineId)?.settle();
      },
    });
  }

  of(record: PipelineRecord): Pipeline {
    const known = this.#handles.get(record.id);
    if (known !== undefined) return known;
    const handle = new PipelineHandle(record, this.#deps);
    this.#handles.set(record.id, handle);
    return handle;
  }

  logGrew(job: JobRecord, storedBytes: number): void {
    this.#handles.get(job.pipelineId)?.tellLog(job, storedBytes);
  }
}

class PipelineHandle implements Pipeline {
  readonly id: number;
  readonly finished: Promise<PipelineView>;
  readonly #record: PipelineRecord;
  readonly #deps: { state: CoordinatorState; lifecycle: Lifecycle; log: Log };
  readonly #events = new EventEmitter();
  readonly #finish: (view: PipelineView) => void;

  constructor(record: PipelineRecord, deps: { state: CoordinatorState; lifecycle: Lifecycle; log: Log }) {
    this.id = record.id;
    this.#record = record;
    this.#deps = deps;
    this.#events.setMaxListeners(100);
    const { promise, resolve } = Promise.withResolvers<PipelineView>();
    this.finished = promise;
    this.#finish = resolve;
    this.tellPipeline();
  }

  view(): PipelineView {
    const project = this.#deps.state.projects.get(this.#record.projectId);
    // A pipeline is stored after its project, and projects are never removed.
    if (project === undefined) throw new Error(`pipeline ${this.id} has no project`);
    return viewPipeline(this.#record, project);
  }

  jobs() {
    return this.#deps.state
      .jobsOf(this.id)
      .map((job) => viewJob(job, this.#record.rootPipelineId))
      .sort((a, b) => this.#stageIndex(a.pipelineStage) - this.#stageIndex(b.pipelineStage) || a.id - b.id);
  }

  #stageIndex(pipelineStage: string): number {
    return this.#record.pipelineStages.indexOf(pipelineStage);
  }

  on<E extends keyof PipelineEvents>(event: E, listener: (...values: PipelineEvents[E]) => void): () => void {
    // The emitter hands each event exactly the values that the three methods below give it.
    const guarded = (...values: unknown[]) => {
      try {
        listener(...(values as PipelineEvents[E]));
      } catch (err) {
        this.#deps.log.error("a listener of a pipeline failed", { err });
      }
    };
    this.#events.on(event, guarded);
    return () => this.#events.off(event, guarded);
  }

  cancel(options: { force?: boolean } = {}): void {
    this.#deps.lifecycle.cancelPipeline(this.#record, options);
  }

  tellJob(job: JobRecord): void {
    if (this.#events.listenerCount("job") === 0) return;
    this.#events.emit("job", viewJob(job, this.#record.rootPipelineId));
  }

  tellLog(job: JobRecord, storedBytes: number): void {
    if (this.#events.listenerCount("log") === 0) return;
    this.#events.emit("log", viewJob(job, this.#record.rootPipelineId), storedBytes);
  }

  tellPipeline(): void {
    this.#events.emit("pipeline", this.view());
    this.settle();
  }

  /** Ends the wait for the pipeline once nothing of it, or of its child pipelines, can move by itself. */
  settle(): void {
    if (this.isSettled()) this.#finish(this.view());
  }

  isSettled(): boolean {
    return isSettled(this.#record, this.#deps.state);
  }
}

const waitsForOthers: ReadonlySet<JobState> = new Set([...finalStates, "manual", "created"]);

function isSettled(pipeline: PipelineRecord, state: CoordinatorState): boolean {
  if (pipeline.state === "created") return false;
  return state.currentJobsOf(pipeline.id).every((job) => {
    const child = job.childPipelineId === undefined ? undefined : state.pipelines.get(job.childPipelineId);
    if (child !== undefined) return isSettled(child, state) && (job.state !== "running" || child.state === "manual");
    return waitsForOthers.has(job.state);
  });
}
