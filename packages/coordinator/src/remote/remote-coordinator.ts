import { CoordinatorError } from "../coordinator-error.ts";
import type { PipelineRequest } from "../coordinator-options.ts";
import { addressFileIn } from "../data-dir.ts";
import type { Pipeline } from "../pipeline-view.ts";
import type { PipelinePlan } from "../plan-view.ts";
import { readAddress } from "./address-file.ts";
import { ControlConnection } from "./control-connection.ts";
import type { PlayableJob } from "./playable-job.ts";
import { RemotePipeline } from "./remote-pipeline.ts";
import { pipelineSnapshot, playableJobs, projectIds, storedPlan } from "./wire.ts";

/** A coordinator that runs in another process of this user. */
export interface RemoteCoordinator extends Disposable {
  /** Where it listens. */
  readonly url: string;
  /** @throws {CoordinatorError} as `Coordinator.planPipeline`; `unreachable`. */
  planPipeline(request: PipelineRequest): Promise<PipelinePlan>;
  /**
   * Queues what was planned here. The pipeline is asked for its state four times a second until it has settled; its
   * `finished` rejects with `unreachable` when the coordinator goes before that.
   * @throws {CoordinatorError} `not-allowed` for a plan that was started before, or is not of this coordinator.
   */
  startPipeline(plan: PipelinePlan): Promise<Pipeline>;
  /** Every job that waits for somebody to start it, the newest pipeline's first. @throws {CoordinatorError} `unreachable`. */
  playableJobs(): Promise<readonly PlayableJob[]>;
  /**
   * Starts such a job.
   * @param inputs values for its `inputs:`.
   * @throws {CoordinatorError} `not-allowed` when it waits no longer, or an input is wrong; `unreachable`.
   */
  playJob(job: PlayableJob, inputs?: Readonly<Record<string, unknown>>): Promise<void>;
  /** See `Coordinator.readJobLog`. Only of jobs of pipelines that were started here. */
  readJobLog(jobId: number, options?: { fromByte?: number }): Promise<Uint8Array>;
}

/**
 * Connects to the coordinator that holds a data directory.
 * @param dataDir as in `CoordinatorOptions`.
 * @returns `undefined` when there is none.
 */
export async function connectToCoordinator(dataDir: string): Promise<RemoteCoordinator | undefined> {
  const address = await readAddress(addressFileIn(dataDir));
  if (address === undefined) return undefined;
  const connection = new ControlConnection(address);
  const planIds = new WeakMap<PipelinePlan, number>();
  const projectByJob = new Map<number, number>();
  const stopping = new AbortController();
  return {
    url: address.url,
    planPipeline: async ({ signal, projectVariables, ...body }) => {
      if (projectVariables !== undefined) {
        throw new CoordinatorError("project variables cannot be given to a coordinator in another process", {
          code: "not-allowed",
        });
      }
      const answer = await connection.json({ method: "POST", path: "jobscope/plans", body, signal });
      const { id, plan } = storedPlan.parse(answer);
      planIds.set(plan, id);
      return plan;
    },
    startPipeline: async (plan) => {
      const id = planIds.get(plan);
      if (id === undefined) {
        throw new CoordinatorError("this plan was started before, or is not of this coordinator", {
          code: "not-allowed",
        });
      }
      planIds.delete(plan);
      const answer = await connection.json({ method: "POST", path: `jobscope/plans/${id}/start` });
      const pipeline = new RemotePipeline(connection, pipelineSnapshot.parse(answer), stopping.signal);
      const note = () => {
        for (const job of pipeline.jobs()) projectByJob.set(job.id, pipeline.view().projectId);
      };
      note();
      pipeline.on("job", note);
      return pipeline;
    },
    playableJobs: async () => {
      const projects = projectIds.parse(await connection.json({ method: "GET", path: "projects?per_page=100" }));
      const query = "jobs?scope[]=manual&scope[]=scheduled&per_page=100";
      const answers = projects.map(({ id }) => connection.json({ method: "GET", path: `projects/${id}/${query}` }));
      const jobs = (await Promise.all(answers)).flatMap((answer) => playableJobs.parse(answer));
      return jobs.sort((a, b) => b.pipelineId - a.pipelineId || a.id - b.id);
    },
    playJob: async ({ id, projectId }, inputs = {}) => {
      const body = { job_inputs: inputs };
      await connection.json({ method: "POST", path: `projects/${projectId}/jobs/${id}/play`, body });
    },
    readJobLog: async (jobId, { fromByte = 0 } = {}) => {
      const path = `projects/${projectByJob.get(jobId)}/jobs/${jobId}/trace`;
      return await connection.bytes({ method: "GET", path, fromByte });
    },
    [Symbol.dispose]: () => stopping.abort(),
  };
}
