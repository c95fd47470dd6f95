import { performance } from "node:perf_hooks";
import type { ApiContext } from "./api/api-context.ts";
import { createServer } from "./api/create-server.ts";
import { childEnvironment } from "./child-environment.ts";
import { CoordinatorError } from "./coordinator-error.ts";
import type { CoordinatorOptions, PipelineRequest, RunnerCredentials, RunnerOptions } from "./coordinator-options.ts";
import { openDataDir } from "./data-dir.ts";
import { createIdTokens } from "./identity/id-tokens.ts";
import { ChildPipelines } from "./lifecycle/child-pipelines.ts";
import { cleanUp } from "./lifecycle/clean-up.ts";
import { CoordinatorState } from "./lifecycle/coordinator-state.ts";
import { JobContacts } from "./lifecycle/job-contacts.ts";
import { JobQueue } from "./lifecycle/job-queue.ts";
import { Lifecycle } from "./lifecycle/lifecycle.ts";
import { newRunner } from "./lifecycle/new-runner.ts";
import { PipelineHandles } from "./lifecycle/pipeline-handle.ts";
import type { JobRecord } from "./lifecycle/records.ts";
import { watchJobs } from "./lifecycle/watchdog.ts";
import { parseListenAddress } from "./listen-address.ts";
import { PipelineStarter } from "./pipeline-starter.ts";
import type { Pipeline } from "./pipeline-view.ts";
import type { PipelinePlan } from "./plan-view.ts";
import { publishAddress } from "./remote/address-file.ts";
import { createGit } from "./repository/git.ts";
import { findWorkTree } from "./repository/work-tree.ts";
import { createJobFiles } from "./store/job-files.ts";
import { openStateStore } from "./store/state-store.ts";
import { RailsSpans } from "./telemetry/rails-spans.ts";
import { createJobTokens, createLocalToken, createToken } from "./tokens.ts";
import { type WatchedRepository, watchRepository } from "./watch-repository.ts";

/** A small GitLab for CI on one machine: GitLab's runner API over HTTP, and pipelines made from work trees. */
export interface Coordinator extends AsyncDisposable {
  /** What a runner's `url` shall be. */
  readonly url: string;
  /** Lets its bearer create pipelines over HTTP, as `PRIVATE-TOKEN`; always the same for a data directory. A secret. */
  readonly localToken: string;
  /** Creates a runner; its token (`glrt-…`) is returned once and stored hashed. */
  createRunnerToken(options: RunnerOptions): RunnerCredentials;
  /**
   * Takes the snapshot and expands the configuration; queues nothing.
   * @throws {CoordinatorError} `not-a-repository`, `config-missing`, `config-invalid`, `no-jobs`, `unknown-job`, `git-failed`.
   */
  planPipeline(request: PipelineRequest): Promise<PipelinePlan>;
  /** Queues what was planned. @throws {CoordinatorError} `not-allowed` when the plan was used before. */
  startPipeline(plan: PipelinePlan): Pipeline;
  /** Both in one. */
  createPipeline(request: PipelineRequest): Promise<Pipeline>;
  /**
   * Makes a pipeline whenever a branch or tag of the repository changes, until the result or the coordinator is disposed of.
   * So does a push over HTTP to `<url>/<project path>.git` with an access token; bare repositories can be watched too.
   * @throws {CoordinatorError} `not-a-repository`.
   */
  watchRepository(repository: string): Promise<Watch>;
  /** Pipelines that are known, newest last. */
  pipelines(): readonly Pipeline[];
  cancelPipeline(pipelineId: number, options?: { force?: boolean }): void;
  /** Runs an ended job anew, as its next attempt, and what came after it. @returns the new job's id. */
  retryJob(jobId: number): number;
  /** Starts a `manual` or `scheduled` job now. */
  playJob(jobId: number): void;
  cancelJob(jobId: number, options?: { force?: boolean }): void;
  /** The stored log of a job, from `fromByte` (default 0). Empty when there is none. */
  readJobLog(jobId: number, options?: { fromByte?: number }): Promise<Uint8Array>;
}

/** A repository that is watched, until this is disposed of. */
export interface Watch extends AsyncDisposable {
  /** Where `git push` makes a pipeline. With the access token: a secret. */
  readonly pushUrl: string;
}

/** How often running jobs are looked after. */
const watchIntervalMs = 5_000;

/** How often what is no longer kept is removed. */
const tidyIntervalMs = 60 * 60 * 1000;

/**
 * Starts a coordinator and takes up what a former one left in the data directory.
 * @throws {CoordinatorError} `address-in-use`, `data-dir-unusable`, `data-dir-in-use`, `not-allowed`.
 */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const address = parseListenAddress(options.listen);
  await using resources = new AsyncDisposableStack();
  const dataDir = await openDataDir(options.dataDir);
  const state = new CoordinatorState(resources.use(openStateStore(dataDir.stateFile)));
  const environment = childEnvironment(options.environment);
  const log = options.log.child({ component: "coordinator" });
  const now = () => performance.timeOrigin + performance.now();
  const queue = new JobQueue();
  const lifecycle = new Lifecycle({ state, queue, log, now });
  resources.defer(() => lifecycle.stop());
  const isTracing = options.telemetry.form !== "none" && (options.spanProcessors?.length ?? 0) > 0;
  const spanProcessors = options.spanProcessors ?? [];
  if (isTracing) {
    const spans = new RailsSpans({ state, spanProcessors, instanceId: options.listen, log });
    spans.resume();
    lifecycle.observe(spans);
  }
  const handles = new PipelineHandles({ state, lifecycle, log });
  let url = options.externalUrl ?? "";
  const git = createGit(environment);
  const starter = new PipelineStarter({
    ...{ state, lifecycle, now, environment, git },
    serverUrl: () => url,
    storeDir: dataDir.repositories,
    telemetry: options.telemetry,
  });
  const watched = new Map<string, WatchedRepository>();
  const context: ApiContext = {
    ...{ state, queue, lifecycle, log, now, watched, contacts: new JobContacts() },
    files: createJobFiles(dataDir.jobs),
    jobTokens: createJobTokens(dataDir.tokenKey),
    localToken: createLocalToken(dataDir.tokenKey),
    idTokens: createIdTokens(dataDir.idTokenKeyFile),
    settings: settingsOf(options, environment),
    logGrew: (job, storedBytes) => handles.logGrew(job, storedBytes),
    url: () => url,
    pipelines: starter,
    view: (pipeline) => handles.of(pipeline),
  };
  const server = await createServer(context);
  resources.defer(async () => {
    queue.release();
    await server.close();
  });
  const bound = await listen(server, address);
  url ||= bound;
  const limits = { silentRunnerMs: options.silentRunnerMs ?? 600_000, stuckJobMs: options.stuckJobMs ?? 3_600_000 };
  const watchdog = setInterval(() => watchJobs({ ...context, ...limits }), watchIntervalMs);
  resources.defer(() => clearInterval(watchdog));
  const children = new ChildPipelines({ ...{ state, lifecycle, now, environment, log, git }, files: context.files });
  lifecycle.resume();
  children.resume();
  const alone = (projectId: number, work: () => Promise<void>) => starter.alone(projectId, work);
  const tidy = () => cleanUp({ ...{ state, git, log, now, alone }, files: context.files, keep: options.keep ?? {} });
  let tidying = tidy();
  const tidyTimer = setInterval(() => {
    tidying = tidying.then(tidy);
  }, tidyIntervalMs);
  resources.defer(async () => {
    clearInterval(tidyTimer);
    await tidying;
  });
  resources.use(await publishAddress(dataDir.addressFile, { url: bound, token: context.localToken }));
  const parts = facade(context, starter, handles);
  const watches = resources.use(new AsyncDisposableStack());
  const watch = async (repository: string) => {
    const workTree = await findWorkTree(git, repository);
    const { path } = starter.projectOf(workTree);
    const watching = await watchRepository({ git, log, createPipeline: parts.createPipeline }, workTree);
    watched.set(path, watching);
    const end = async () => {
      watched.delete(path);
      await watching[Symbol.asyncDispose]();
    };
    watches.defer(end);
    const pushUrl = new URL(`${url}/${path}.git`);
    pushUrl.username = "git";
    pushUrl.password = context.localToken;
    return { pushUrl: pushUrl.href, [Symbol.asyncDispose]: end };
  };
  const owned = resources.move();
  const { localToken } = context;
  return { ...parts, watchRepository: watch, url, localToken, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function settingsOf(
  options: CoordinatorOptions,
  environment: Readonly<Record<string, string>>,
): ApiContext["settings"] {
  return {
    longPollMs: options.longPollMs ?? 50_000,
    logUpdateIntervalSeconds: options.logUpdateIntervalSeconds ?? 3,
    maxArtifactBytes: options.maxArtifactBytes ?? 1 << 30,
    maxJobLogBytes: options.maxJobLogBytes ?? 100 << 20,
    registrationToken: options.registrationToken,
    accessToken: options.accessToken,
    telemetry: options.telemetry,
    environment,
  };
}

async function listen(
  server: Awaited<ReturnType<typeof createServer>>,
  address: { host: string; port: number },
): Promise<string> {
  try {
    return (await server.listen(address)).replace("[::1]", "localhost");
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === "EADDRINUSE" ? "it is in use" : (cause as Error).message;
    throw new CoordinatorError(`cannot listen on ${address.host}:${address.port}: ${why}`, {
      code: "address-in-use",
      cause,
    });
  }
}

function facade(context: ApiContext, starter: PipelineStarter, handles: PipelineHandles) {
  const { state, lifecycle, files, now } = context;
  const jobOf = (id: number): JobRecord => {
    const job = state.jobs.get(id);
    if (job === undefined) throw new CoordinatorError(`there is no job ${id}`, { code: "not-found" });
    return job;
  };
  const start = (plan: PipelinePlan) => handles.of(starter.start(plan));
  return {
    createRunnerToken: (runner: RunnerOptions) => {
      const token = createToken("glrt-");
      return { id: newRunner(state, now(), token, runner).id, token };
    },
    planPipeline: (request: PipelineRequest) => starter.plan(request),
    startPipeline: start,
    createPipeline: async (request: PipelineRequest) => start(await starter.plan(request)),
    pipelines: () => [...state.pipelines.values()].map((pipeline) => handles.of(pipeline)),
    cancelPipeline: (id: number, options?: { force?: boolean }) => {
      const pipeline = state.pipelines.get(id);
      if (pipeline === undefined) throw new CoordinatorError(`there is no pipeline ${id}`, { code: "not-found" });
      lifecycle.cancelPipeline(pipeline, options);
    },
    retryJob: (id: number) => lifecycle.retry(jobOf(id)).id,
    playJob: (id: number) => lifecycle.play(jobOf(id)),
    cancelJob: (id: number, options?: { force?: boolean }) => lifecycle.cancel(jobOf(id), options),
    readJobLog: (id: number, options?: { fromByte?: number }) => files.readLog(jobOf(id).id, options?.fromByte ?? 0),
  };
}
