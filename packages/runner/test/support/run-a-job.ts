import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { type JobTrace, untracedJobTrace } from "@jobscope/job-telemetry";
import { type Log, silentLog } from "@jobscope/labkit";
import type { RemoteCache } from "../../src/cache/remote/remote-cache.ts";
import type { RunnerConfig } from "../../src/config/runner-config.ts";
import type { CoordinatorClient } from "../../src/coordinator-client/coordinator-client.ts";
import type { Job } from "../../src/coordinator-client/job.ts";
import type { Executor, RunHelper } from "../../src/executors/executor.ts";
import { createShellExecutor } from "../../src/executors/shell/shell-executor.ts";
import { executeJob } from "../../src/job/execute-job.ts";
import { createSharedFunctionSources } from "../../src/job/functions/function-sources.ts";
import type { JobVerdict } from "../../src/job/job-verdict.ts";
import { createJobLogBuffer, type JobLogBuffer } from "../../src/job/log/job-log-buffer.ts";
import { aRunner } from "./a-runner.ts";

/** Directories and an executor for real jobs, removed with all they left. */
export interface JobBench extends AsyncDisposable {
  /** Where the jobs' builds and caches go. */
  readonly directory: string;
  readonly executor: Executor;
  run(job: Job, options?: RunOptions): Promise<JobResult>;
}

export interface RunOptions {
  readonly runner?: Partial<RunnerConfig>;
  readonly client?: Partial<CoordinatorClient>;
  readonly remoteCache?: RemoteCache;
  readonly jobTrace?: JobTrace;
  readonly commandSpans?: boolean;
  readonly log?: Log;
  readonly signal?: AbortSignal;
  readonly cancelSignal?: AbortSignal;
  readonly environment?: Readonly<Record<string, string>>;
  /** Hears of the log as it grows: for tests that act when a job has said something. */
  readonly onLog?: (text: string) => void;
}

export interface JobResult {
  readonly verdict: JobVerdict;
  /** The job log as the coordinator gets it. */
  readonly log: string;
  /** The job log without section markers, colours and carriage returns. */
  readonly text: string;
}

/** What a job's shell starts with: nothing of the developer's profile. */
const cleanEnvironment = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/nonexistent", LANG: "C.UTF-8" };

export interface BenchOptions {
  readonly graceMs?: number;
  /** `PATH` of the jobs. Default: the machine's. */
  readonly searchPath?: string;
  /** Gives the job's file work to this instead of doing it in this process, as for files in a volume. */
  readonly runHelper?: RunHelper;
  /** Instead of a shell executor; disposed of with the bench. */
  readonly executor?: Executor;
}

export async function createJobBench(options: BenchOptions = {}): Promise<JobBench> {
  const directory = await mkdtemp(path.join(tmpdir(), "jobscope-job-bench-"));
  const executor = options.executor ?? (await createShellPlace(directory, options));
  return {
    directory,
    executor,
    run: (job, wishes = {}) => runJob(job, wishes, { directory, executor }),
    async [Symbol.asyncDispose]() {
      await executor[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function createShellPlace(directory: string, options: BenchOptions): Promise<Executor> {
  const { runHelper } = options;
  const shellExecutor = await createShellExecutor({
    log: silentLog,
    environment:
      options.searchPath === undefined ? cleanEnvironment : { ...cleanEnvironment, PATH: options.searchPath },
    workingDirectory: directory,
    identity: directory,
    stopLimits: { graceMs: options.graceMs ?? 2_000 },
    temporaryDirectory: directory,
  });
  if (runHelper === undefined) return shellExecutor;
  return {
    ...shellExecutor,
    prepare: async (...asked) => Object.assign(await shellExecutor.prepare(...asked), { runHelper }),
  };
}

async function runJob(
  job: Job,
  wishes: RunOptions,
  { directory, executor }: Pick<JobBench, "directory" | "executor">,
): Promise<JobResult> {
  await using buffer = createJobLogBuffer({
    directory,
    limitBytes: wishes.runner?.outputLimitBytes ?? 4 * 1024 * 1024,
  });
  const { onLog } = wishes;
  const jobLog =
    onLog === undefined
      ? buffer
      : Object.assign(Object.create(buffer) as typeof buffer, {
          append(bytes: Uint8Array) {
            buffer.append(bytes);
            onLog(Buffer.from(bytes).toString());
          },
        });
  const verdict = await executeJob({
    job,
    runner: {
      ...aRunner("http://127.0.0.1:1", { name: "my-runner", token: "glrt-abc123def456" }),
      ...wishes.runner,
    },
    client: (wishes.client ?? {}) as CoordinatorClient,
    remoteCache: wishes.remoteCache,
    executor,
    functionSources: createSharedFunctionSources(),
    log: wishes.log ?? silentLog,
    jobTrace: wishes.jobTrace ?? untracedJobTrace,
    commandSpans: wishes.commandSpans ?? false,
    jobLog,
    signal: wishes.signal ?? new AbortController().signal,
    cancelSignal: wishes.cancelSignal ?? new AbortController().signal,
    concurrentId: 0,
    concurrentProjectId: 0,
    systemId: "s_0123456789ab",
    workingDirectory: directory,
    environment: cleanEnvironment,
    product: { name: "gitlab-runner", version: "19.4.0", revision: "d79f3e7b" },
  });
  const log = await wholeLog(buffer);
  return { verdict, log, text: plainText(log) };
}

/** As the reporter reads it: piece by piece. */
async function wholeLog(buffer: JobLogBuffer): Promise<string> {
  const pieces: Uint8Array[] = [];
  let offset = 0;
  while (offset < buffer.byteLength) {
    const piece = await buffer.read(offset, 1024 * 1024);
    pieces.push(piece);
    offset += piece.length;
  }
  return Buffer.concat(pieces).toString();
}

/** What a person reads of a job log. */
export function plainText(log: string): string {
  return stripVTControlCharacters(log).replace(/section_(?:start|end):\d+:[^\r]*\r/g, "");
}
