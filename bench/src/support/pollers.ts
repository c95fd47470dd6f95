import { Agent, request } from "node:http";

/** One job in a poller's hands. Times in milliseconds since the epoch. */
export interface Answer {
  readonly jobId: number;
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
}

/** Many runners that ask for jobs and run none. */
export interface Pollers {
  /** Opens a connection for each of them, as runners that have been at work have one. */
  connect(): Promise<void>;
  /** Lets them ask. */
  go(): void;
  /** Resolves when every poller's request is on its way and had time to arrive. */
  untilWaiting(): Promise<void>;
  /** Settles once all jobs are handed out. */
  readonly done: Promise<readonly Answer[]>;
}

const arriveMs = 1_000;

export function startPollers(options: { url: string; token: string; pollers: number; jobs: number }): Pollers {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: options.pollers });
  const answers: Answer[] = [];
  const { promise: done, resolve } = Promise.withResolvers<readonly Answer[]>();
  const poll = async (): Promise<void> => {
    while (answers.length < options.jobs) {
      const askedAtMs = nowMs();
      const jobId = await ask(options, agent).catch(() => undefined);
      if (jobId !== undefined) answers.push({ jobId, askedAtMs, answeredAtMs: nowMs() });
    }
    agent.destroy();
    resolve(answers);
  };
  return {
    connect: async () => {
      await Promise.all(Array.from({ length: options.pollers }, () => send(options, "runners/verify", agent)));
    },
    go: () => {
      for (let count = 0; count < options.pollers; count += 1) void poll();
    },
    untilWaiting: () => new Promise((waiting) => setTimeout(waiting, arriveMs)),
    done,
  };
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

async function ask(options: { url: string; token: string }, agent: Agent): Promise<number | undefined> {
  const { status, body } = await send(options, "jobs/request", agent);
  return status === 201 ? idOf(body) : undefined;
}

async function send(
  { url, token }: { url: string; token: string },
  path: string,
  agent: Agent,
): Promise<{ status: number | undefined; body: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; body: Buffer }>();
  const body = JSON.stringify({ token, system_id: "s_0123456789ab", info: { features: { artifacts: true } } });
  const sent = request(`${url}/api/v4/${path}`, {
    method: "POST",
    agent,
    headers: { "Content-Type": "application/json" },
  });
  sent.on("error", reject).on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject);
    response.on("end", () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }));
  });
  sent.end(body);
  return await promise;
}

/** The id stands first in a payload; parsing all of it would be the pollers' time, not the coordinator's. */
function idOf(payload: Buffer): number {
  return Number(/^\{"id":(\d+)/.exec(payload.subarray(0, 40).toString())?.[1]);
}
