import type { Log } from "@jobscope/labkit";
import type { ChildEnvironment } from "../child-environment.ts";
import { CoordinatorError } from "../coordinator-error.ts";
import { finalStates } from "../job-state.ts";
import { createPlan, type RecordedSource } from "../pipeline/create-plan.ts";
import { resolveVariables } from "../pipeline/variables/expand-variables.ts";
import { factsAsVariables } from "../pipeline/variables/predefined-variables.ts";
import type { Variable } from "../pipeline/variables/variable.ts";
import type { Git } from "../repository/git.ts";
import type { JobFiles } from "../store/job-files.ts";
import { readZipEntry } from "../store/read-zip-entry.ts";
import type { CoordinatorState } from "./coordinator-state.ts";
import type { Lifecycle, LifecycleObserver } from "./lifecycle.ts";
import type { JobRecord, PipelineRecord } from "./records.ts";
import { makePipelineRefs, startPlanned } from "./start-pipeline.ts";

interface ChildPipelinesDeps {
  readonly state: CoordinatorState;
  readonly lifecycle: Lifecycle;
  readonly files: JobFiles;
  readonly git: Git;
  readonly environment: ChildEnvironment;
  readonly now: () => number;
  readonly log: Log;
}

/** How deep trigger jobs may trigger (GitLab allows two). */
const maxDepth = 5;
/** The configuration that a trigger job puts together out of several files. */
const joinedConfigPath = ".jobscope-child-pipeline.yml";

/** Starts the child pipelines of trigger jobs, and ends those jobs when their children say so. */
export class ChildPipelines implements LifecycleObserver {
  readonly #deps: ChildPipelinesDeps;

  constructor(deps: ChildPipelinesDeps) {
    this.#deps = deps;
    deps.lifecycle.observe(this);
    deps.lifecycle.onTrigger((job) => void this.#trigger(job));
  }

  /** A restart may have cut the start of a child short: it is started again. */
  resume(): void {
    for (const job of this.#deps.state.jobs.values()) {
      const isWaiting = job.plan.childPipeline !== undefined && job.state === "running";
      if (isWaiting && job.childPipelineId === undefined) void this.#trigger(job);
    }
  }

  pipelineChanged(child: PipelineRecord): void {
    if (child.parentJobId === undefined || !finalStates.has(child.state)) return;
    const job = this.#deps.state.jobs.get(child.parentJobId);
    if (job?.state !== "running" || job.childPipelineId !== child.id) return;
    if (child.state === "canceled") this.#deps.lifecycle.cancel(job);
    else if (child.state === "failed") {
      this.#deps.lifecycle.end(job, { state: "failed", failureReason: "downstream_pipeline_failed" });
    } else this.#deps.lifecycle.end(job, { state: "success" });
  }

  /** Who cancels a trigger job cancels what it triggered. */
  jobChanged(job: JobRecord): void {
    if (job.state !== "canceled" || job.childPipelineId === undefined) return;
    const child = this.#deps.state.pipelines.get(job.childPipelineId);
    if (child !== undefined && child.finishedAtMs === undefined) this.#deps.lifecycle.cancelPipeline(child);
  }

  async #trigger(job: JobRecord): Promise<void> {
    const { lifecycle, log } = this.#deps;
    try {
      const child = await this.#start(job);
      if (job.plan.childPipeline?.dependsOnChild !== true) lifecycle.end(job, { state: "success" });
      else this.pipelineChanged(child);
    } catch (err) {
      log.warn("a child pipeline could not be created", { "ci.job.id": job.id, err });
      const why = err instanceof CoordinatorError ? err.message : "internal error";
      await this.#deps.files.appendLog(job.id, Buffer.from(`The child pipeline could not be created: ${why}\n`));
      lifecycle.end(job, { state: "failed", failureReason: "downstream_pipeline_creation_failed" });
    }
  }

  async #start(job: JobRecord): Promise<PipelineRecord> {
    const { state, git, environment } = this.#deps;
    const parent = state.pipelines.get(job.pipelineId);
    const project = state.projects.get(job.projectId);
    const root = parent && state.pipelines.get(parent.rootPipelineId);
    if (parent === undefined || project === undefined || root === undefined) {
      throw new CoordinatorError(`job ${job.id} has no pipeline`, { code: "not-found" });
    }
    if (this.#depthOf(parent) >= maxDepth) {
      throw new CoordinatorError(`child pipelines go deeper than ${maxDepth}`, { code: "not-allowed" });
    }
    const { configPath, extraFiles } = await this.#configOf(job);
    const remoteUrl = await git.maybe(["config", "remote.origin.url"], { cwd: project.topLevel });
    const source: RecordedSource = {
      ...{ folder: parent.repositoryFolder, repositories: project.repositories, rewrites: parent.rewrites, remoteUrl },
      facts: { ...parent.facts, source: "parent_pipeline", configPath },
      hasUncommittedChanges: false,
      warnings: [],
    };
    const { projectVariables } = parent;
    const request = { extraFiles, projectVariables, pipelineVariables: forwarded(job, parent) };
    const plan = await createPlan(git, source, request, environment);
    const id = state.nextId("pipelines");
    await makePipelineRefs(git, plan, id);
    job.childPipelineId = id;
    state.saveJob(job);
    const { isTraced } = root;
    return startPlanned(this.#deps, project, plan, { id, isTraced, parent: { root, jobId: job.id } });
  }

  #depthOf(pipeline: PipelineRecord): number {
    const trigger = pipeline.parentJobId === undefined ? undefined : this.#deps.state.jobs.get(pipeline.parentJobId);
    const parent = trigger && this.#deps.state.pipelines.get(trigger.pipelineId);
    return parent === undefined ? 0 : this.#depthOf(parent) + 1;
  }

  async #configOf(job: JobRecord): Promise<{ configPath: string; extraFiles: Map<string, string> }> {
    const entries = job.plan.childPipeline?.include ?? [];
    const extraFiles = new Map<string, string>();
    const include: Readonly<Record<string, unknown>>[] = [];
    for (const entry of entries) {
      if (typeof entry["artifact"] !== "string") include.push(entry);
      else {
        const path = `.jobscope-artifact-${extraFiles.size}.yml`;
        extraFiles.set(path, await this.#readArtifact(job, entry["artifact"], String(entry["job"])));
        include.push({ local: path });
      }
    }
    const [only] = include;
    const local = include.length === 1 && only?.["inputs"] === undefined ? only?.["local"] : undefined;
    if (typeof local === "string") return { configPath: local.replace(/^\//, ""), extraFiles };
    extraFiles.set(joinedConfigPath, JSON.stringify({ include }));
    return { configPath: joinedConfigPath, extraFiles };
  }

  async #readArtifact(job: JobRecord, path: string, from: string): Promise<string> {
    const { state, files } = this.#deps;
    const maker = state.currentJobsOf(job.pipelineId).find(({ plan }) => plan.name === from);
    const archive = maker?.artifacts.find(({ type }) => type === "archive");
    const content = maker && archive && (await readZipEntry(files.artifactPath(maker.id, archive.storedAs), path));
    if (content !== undefined) return content.toString("utf8");
    throw new CoordinatorError(`job "${from}" has no artifact ${path}`, { code: "config-missing" });
  }
}

/** Variables that go down as the child's pipeline variables (GitLab's `trigger: forward`). */
function forwarded(job: JobRecord, parent: PipelineRecord): Variable[] {
  const { childPipeline, yamlVariables } = job.plan;
  const all = [
    ...factsAsVariables(parent.facts),
    ...yamlVariables,
    ...parent.projectVariables,
    ...parent.pipelineVariables,
  ];
  const yamlKeys = new Set(yamlVariables.map(({ key }) => key));
  const fromFile = resolveVariables(all).filter(({ key }) => yamlKeys.has(key));
  return [
    ...(childPipeline?.forwardsPipelineVariables === true ? parent.pipelineVariables : []),
    ...(childPipeline?.forwardsYamlVariables === false ? [] : fromFile),
  ];
}
