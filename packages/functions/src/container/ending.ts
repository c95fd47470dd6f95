import type { ContainerProcessesOptions } from "./container-options.ts";
import { outcomeOf } from "./container-process.ts";

const defaultGraceMs = 5_000;
/** How long processes that were killed are waited for. */
const killedWaitMs = 10_000;

/** Ends a command's process group when the signal says so: politely, then not (ci-functions.md §5.2). */
export class Ending implements Disposable {
  /** Resolves when even killing did not help. */
  readonly gaveUp: Promise<undefined>;
  readonly #giveUp: () => void;
  readonly #options: ContainerProcessesOptions;
  readonly #signal: AbortSignal;
  readonly #pid: Promise<string | undefined>;
  readonly #onAbort = () => void this.#end();
  #timer: NodeJS.Timeout | undefined;
  #asked = false;

  constructor(options: ContainerProcessesOptions, signal: AbortSignal, pid: Promise<string | undefined>) {
    this.#options = options;
    this.#signal = signal;
    this.#pid = pid;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.gaveUp = promise;
    this.#giveUp = () => resolve(undefined);
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** The command has ended: what ignored the polite signal must not outlive the job. */
  async finish(): Promise<void> {
    if (this.#asked) await this.#send("KILL");
  }

  async #end(): Promise<void> {
    this.#asked = true;
    await this.#send("TERM");
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(this.#giveUp, killedWaitMs);
      void this.#send("KILL");
    }, this.#options.graceMs ?? defaultGraceMs);
  }

  /**
   * As the container's user, and as root, who may end what a command started as somebody else, unless that was taken from
   * it. Between two programs there is no group yet.
   */
  async #send(signal: "TERM" | "KILL"): Promise<void> {
    const pid = await this.#pid;
    if (pid === undefined) return;
    const { start, busybox } = this.#options;
    const command = [busybox, "sh", "-c", `kill -${signal} -${pid} || kill -${signal} ${pid}`];
    for (const asWhom of [{}, { user: "0" }]) {
      try {
        using killing = await start({ command, ...asWhom });
        if ((await outcomeOf(killing)).exitCode === 0) return;
      } catch {
        return; // the container is gone, and with it the process
      }
    }
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    clearTimeout(this.#timer);
  }
}
