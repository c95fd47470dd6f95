import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A job to hand out: what differs from the smallest payload. */
export interface StubJob {
  readonly script: readonly string[];
  /** Steps of a `run:` job, whose `script` is empty. */
  readonly run?: readonly object[];
  /** `features.tracing` of the payload; none: the job is not traced. */
  readonly tracing?: object;
  readonly variables?: Readonly<Record<string, string>>;
}

/** What became of one job, times in milliseconds of the monotonic clock. */
export interface StubResult {
  readonly id: number;
  readonly job: StubJob;
  readonly handedOutAt: number;
  readonly endedAt: number;
  readonly state: string;
}

/** The few lines of GitLab that a runner needs: hands out jobs in order and takes their logs and states. */
export interface StubCoordinator extends AsyncDisposable {
  readonly url: string;
  /** Queues jobs and resolves with their results, in order of ending. */
  run(jobs: readonly StubJob[]): Promise<StubResult[]>;
  /** Resolves when this many jobs were handed out and are not finished. */
  untilRunning(count: number): Promise<void>;
}

export async function startStubCoordinator(): Promise<StubCoordinator> {
  const queue: StubJob[] = [];
  const running = new Map<number, { job: StubJob; handedOutAt: number }>();
  const parked: (() => void)[] = [];
  let results: StubResult[] = [];
  let nextId = 1;
  const waiting = new Set<() => void>();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const path = request.url ?? "";
    const id = Number(/\/jobs\/(\d+)/.exec(path)?.[1]);
    if (path.endsWith("/jobs/request")) return handOut(response);
    if (request.method === "PATCH") return answer(response, 202, undefined, { "Job-Status": "running", Range: "0-0" });
    if (request.method === "PUT") takeState(id, JSON.parse(body) as { state: string });
    answer(response, 200, { id: 1, token: "glrt-bench" }, { "Job-Status": "running" });
  }

  function handOut(response: ServerResponse): void {
    const job = queue.shift();
    if (job === undefined) {
      const timer = setTimeout(retry, 2_000);
      const entry = (): void => {
        clearTimeout(timer);
        retry();
      };
      parked.push(entry);
      function retry(): void {
        parked.splice(parked.indexOf(entry), 1);
        if (queue.length > 0) handOut(response);
        else answer(response, 204, undefined, { "X-GitLab-Last-Update": "1" });
      }
      return;
    }
    const id = nextId++;
    running.set(id, { job, handedOutAt: performance.now() });
    answer(response, 201, payload(id, job));
    changed();
  }

  function takeState(id: number, { state }: { state: string }): void {
    const entry = running.get(id);
    if (state === "running" || entry === undefined) return;
    running.delete(id);
    results.push({ id, job: entry.job, handedOutAt: entry.handedOutAt, endedAt: performance.now(), state });
    changed();
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));

  function changed(): void {
    for (const look of waiting) look();
  }

  async function until(condition: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => condition() && resolve();
    waiting.add(look);
    look();
    await promise;
    waiting.delete(look);
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async run(jobs) {
      results = [];
      queue.push(...jobs);
      for (const wake of [...parked]) wake();
      await until(() => results.length === jobs.length);
      return results;
    },
    untilRunning: (count) => until(() => running.size >= count),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** The smallest payload that is a job: no sources, no cache, no artifacts (runner-protocol.md §1.8). */
function payload(id: number, job: StubJob): object {
  const variables = { GIT_STRATEGY: "none", CI_PIPELINE_ID: "1", CI_PIPELINE_SOURCE: "push", ...job.variables };
  return {
    id,
    token: `glcbt-${id}`,
    allow_git_fetch: true,
    job_info: {
      id,
      name: `bench-${id}`,
      stage: "test",
      project_id: 1,
      project_name: "bench",
      time_in_queue_seconds: 0,
    },
    git_info: {
      repo_url: "http://127.0.0.1/bench/bench.git",
      ref: "main",
      sha: "0".repeat(40),
      before_sha: "0".repeat(40),
      ref_type: "branch",
      refspecs: [],
      depth: 0,
    },
    runner_info: { timeout: 600 },
    variables: Object.entries(variables).map(([key, value]) => ({ key, value, public: true })),
    steps: [{ name: "script", script: job.script, timeout: 600, when: "on_success", allow_failure: false }],
    ...(job.run === undefined ? {} : { run: JSON.stringify(job.run) }),
    features: {
      trace_sections: true,
      failure_reasons: ["script_failure"],
      ...(job.tracing === undefined ? {} : { tracing: job.tracing }),
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function answer(response: ServerResponse, status: number, body?: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
