import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { CoordinatorError } from "../coordinator-error.ts";
import type { JobView, Pipeline, PipelineEvents, PipelineView } from "../pipeline-view.ts";
import type { ControlConnection } from "./control-connection.ts";
import { type PipelineSnapshot, pipelineSnapshot } from "./wire.ts";

const pollIntervalMs = 250;

/** How many questions in a row may stay without an answer: some five seconds of a busy machine. */
const maxFailures = 20;

/** A pipeline of a coordinator in another process. It emits `job` and `pipeline`, but not `log`. */
export class RemotePipeline implements Pipeline {
  readonly id: number;
  readonly finished: Promise<PipelineView>;
  readonly #connection: ControlConnection;
  readonly #events = new EventEmitter();
  #snapshot: PipelineSnapshot;

  /** @param signal ends the asking; `finished` then never settles. */
  constructor(connection: ControlConnection, snapshot: PipelineSnapshot, signal: AbortSignal) {
    this.#connection = connection;
    this.#snapshot = snapshot;
    this.id = snapshot.pipeline.id;
    this.finished = this.#follow(signal);
    // Whoever waits for it hears of a failure; until then it is nobody's unhandled rejection.
    this.finished.catch(() => undefined);
  }

  view(): PipelineView {
    return this.#snapshot.pipeline;
  }

  jobs(): readonly JobView[] {
    return this.#snapshot.jobs;
  }

  isSettled(): boolean {
    return this.#snapshot.isSettled;
  }

  on<E extends keyof PipelineEvents>(event: E, listener: (...values: PipelineEvents[E]) => void): () => void {
    // The emitter hands each event exactly the values that #take gives it.
    const untyped = listener as (...values: unknown[]) => void;
    this.#events.on(event, untyped);
    return () => this.#events.off(event, untyped);
  }

  cancel({ force = false }: { force?: boolean } = {}): void {
    const path = `jobscope/pipelines/${this.id}/cancel`;
    // The state that is asked for next tells whether it was heard.
    this.#connection.json({ method: "POST", path, body: { force } }).catch(() => undefined);
  }

  async #follow(signal: AbortSignal): Promise<PipelineView> {
    for (let failures = 0; !this.#snapshot.isSettled; ) {
      await delay(pollIntervalMs);
      if (signal.aborted) return await new Promise(() => undefined);
      try {
        const answer = await this.#connection.json({ method: "GET", path: `jobscope/pipelines/${this.id}` });
        this.#take(pipelineSnapshot.parse(answer));
        failures = 0;
      } catch (error) {
        failures += 1;
        const isLost = !(error instanceof CoordinatorError) || error.code !== "unreachable" || failures > maxFailures;
        if (isLost) throw error;
      }
    }
    return this.view();
  }

  #take(next: PipelineSnapshot): void {
    const before = new Map(this.#snapshot.jobs.map((job) => [job.id, job]));
    const stateBefore = this.#snapshot.pipeline.state;
    this.#snapshot = next;
    for (const job of next.jobs) if (before.get(job.id)?.state !== job.state) this.#events.emit("job", job);
    if (next.pipeline.state !== stateBefore) this.#events.emit("pipeline", next.pipeline);
  }
}
