import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "@jobscope/labkit";
import type { RunnerManager } from "../manager/runner-manager.ts";
import { onSignals, type SignalSource, signalWords } from "./process-signals.ts";

export interface ServeOptions {
  readonly manager: RunnerManager;
  readonly log: Log;
  readonly signals: SignalSource;
  readonly shutdownTimeoutMs: number;
  /** SIGHUP. */
  readonly onReload: () => void;
  /** Aborted: end as after SIGQUIT. */
  readonly done?: AbortSignal;
}

/** Longest wait for job processes to end when the operator asked twice. */
const killMs = 6_000;

/** For an operator who asked twice and does not want to wait: job processes are ended, all else goes with this process. */
export async function endAtOnce(manager: Pick<RunnerManager, "kill">): Promise<void> {
  await Promise.race([manager.kill(), delay(killMs, undefined, { ref: false })]);
}

/**
 * serving ──SIGQUIT──▶ draining (no limit) ──SIGTERM, SIGINT──▶ aborting (shutdown_timeout) ──any signal──▶ ended at once
 *    └───────────────────SIGTERM, SIGINT─────────────────────────────▲
 *
 * @returns 0 when all jobs have ended in time, 1 when a second forcing signal or the timeout came first.
 *
 * Rule: runner-protocol.md §6.9.
 */
export async function serveUntilStopped(options: ServeOptions): Promise<0 | 1> {
  const { manager, log, signals, shutdownTimeoutMs, done } = options;
  const { promise: ended, resolve: end } = Promise.withResolvers<0 | 1>();
  const giveUp = new AbortController();
  let phase: "serving" | "draining" | "aborting" = "serving";
  let timer: NodeJS.Timeout | undefined;

  const drain = () => {
    if (phase !== "serving") return;
    phase = "draining";
    log.info("waiting for running jobs to end", { jobs: manager.runningJobs.length });
    manager.stop();
    manager.drain(giveUp.signal).then(
      () => end(0),
      () => end(1),
    );
  };
  const abort = (reason: string) => {
    drain();
    phase = "aborting";
    log.warn("aborting running jobs", { jobs: manager.runningJobs.length, reason });
    manager.abort(reason);
    timer = setTimeout(() => giveUp.abort(new Error("shutdown_timeout is over")), shutdownTimeoutMs);
  };

  using _ = onSignals(signals, (signal) => {
    if (phase === "aborting") {
      log.error("ending at once", { signal, jobs: manager.runningJobs.length });
      giveUp.abort(new Error(`second signal: ${signal}`));
    } else if (signal === "SIGHUP") options.onReload();
    else if (signal === "SIGQUIT") drain();
    else abort(signalWords[signal]);
  });
  done?.addEventListener("abort", drain, { once: true });
  if (done?.aborted) drain();
  const code = await ended;
  clearTimeout(timer);
  return code;
}
