import { fork } from "node:child_process";
import { once } from "node:events";

/** Configuration as in `config.toml`, and where the runner works. */
export interface RunnerProcessOptions {
  readonly config: Readonly<Record<string, unknown>>;
  readonly directory: string;
}

/** What a runner process says of itself, after a collection of garbage. */
export interface RunnerUsage {
  readonly heapBytes: number;
  /** Buffers outside the heap. */
  readonly externalBytes: number;
  /** Kinds of what keeps the process alive: `TCPSocketWrap`, `Timeout`. */
  readonly resources: readonly string[];
  readonly runningJobs: number;
}

/** A runner manager in a process of its own: one that can be killed and measured. */
export interface RunnerProcess extends AsyncDisposable {
  readonly pid: number;
  /** Of every job that ended, in order; a job that ended twice is there twice. */
  readonly endedJobs: readonly number[];
  /** Resolves when that many jobs have ended since the process was started. */
  untilEnded(count: number): Promise<void>;
  usage(): Promise<RunnerUsage>;
  /** Ends it in order, as a service manager does. @returns its exit code. */
  stop(): Promise<number | null>;
  /** `kill -9`. */
  kill(): Promise<void>;
}

/** Resolves when the runner polls. */
export async function startRunnerProcess(options: RunnerProcessOptions): Promise<RunnerProcess> {
  const child = fork(new URL("./runner-process-main.ts", import.meta.url), [JSON.stringify(options)], {
    cwd: options.directory,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: options.directory, TMPDIR: options.directory },
    execArgv: ["--conditions=jobscope-source", "--disable-warning=ExperimentalWarning", "--expose-gc"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const endedJobs: number[] = [];
  const waiting = new Set<() => void>();
  child.on("message", (message: { endedJob?: number }) => {
    if (message.endedJob === undefined) return;
    endedJobs.push(message.endedJob);
    for (const look of waiting) look();
  });
  await new Promise<void>((resolve, reject) => {
    child.on("message", (message: { ready?: true }) => message.ready && resolve());
    child.once("exit", (code) => reject(new Error(`the runner process ended with ${code} before it polled`)));
  });

  async function end(act: () => void): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, "exit");
      act();
      await exited;
    }
    return child.exitCode;
  }
  return {
    pid: child.pid ?? 0,
    endedJobs,
    async untilEnded(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => {
        if (endedJobs.length >= count) resolve();
      };
      waiting.add(look);
      look();
      await promise.finally(() => waiting.delete(look));
    },
    async usage() {
      const { promise, resolve } = Promise.withResolvers<RunnerUsage>();
      const listen = (message: { usage?: RunnerUsage }) => message.usage && resolve(message.usage);
      child.on("message", listen);
      child.send("usage");
      return await promise.finally(() => child.off("message", listen));
    },
    stop: () => end(() => child.send("stop")),
    async kill() {
      await end(() => child.kill("SIGKILL"));
    },
    async [Symbol.asyncDispose]() {
      await end(() => child.kill("SIGKILL"));
    },
  };
}
