import { setRunnerKeys } from "../config/config-text.ts";
import { loadConfig } from "../config/load-config.ts";
import type { RunnerManagerConfig } from "../config/manager-config.ts";
import type { RunnerConfig } from "../config/runner-config.ts";
import type { RunnerMetrics } from "../metrics/runner-metrics.ts";
import { connectRunner } from "./connect-runner.ts";
import { editConfig } from "./edit-config.ts";
import type { RunContext } from "./run-context.ts";
import { tokenKeys } from "./token-keys.ts";

/** A token is replaced when this part of its life is over (runner-protocol.md §1.6). */
const rotationFactor = 0.75;
/** How often tokens are looked at; the shortest token GitLab issues lives for hours. */
const checkIntervalMs = 60_000;

/** When the token is due for replacement; `undefined`: never. */
export function rotationDueAt(runner: Pick<RunnerConfig, "tokenObtainedAt" | "tokenExpiresAt" | "featureFlags">) {
  const { tokenObtainedAt: obtained, tokenExpiresAt: expires, featureFlags } = runner;
  if (expires === undefined || obtained === undefined) return undefined;
  if (featureFlags["FF_DISABLE_AUTOMATIC_TOKEN_ROTATION"] === true) return undefined;
  return new Date(obtained.getTime() + rotationFactor * (expires.getTime() - obtained.getTime()));
}

/**
 * Replaces runner tokens before they expire and writes them to the file, whose watcher then takes them up.
 *
 * A failure is logged and tried again with the next look.
 */
export function startTokenRotation(
  configFile: string,
  context: RunContext,
  metrics: Pick<RunnerMetrics, "configSaved">,
): AsyncDisposable {
  const stopping = new AbortController();
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(() => rotateDueTokens(configFile, { ...context, metrics }, stopping.signal));
  }, checkIntervalMs);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      stopping.abort(new Error("the runner stops"));
      await looking;
    },
  };
}

/** What rotation has of its process. */
export interface RotationContext extends Pick<RunContext, "log" | "environment"> {
  readonly metrics: Pick<RunnerMetrics, "configSaved">;
}

/** Looks once. Never rejects. */
export async function rotateDueTokens(
  configFile: string,
  { log, environment, metrics }: RotationContext,
  signal: AbortSignal,
): Promise<void> {
  let config: RunnerManagerConfig;
  try {
    config = await loadConfig(configFile, { environment });
  } catch {
    return; // The watcher of the file has already told what is wrong with it.
  }
  for (const [index, runner] of config.runners.entries()) {
    const due = rotationDueAt(runner);
    if (due === undefined || due.getTime() > Date.now() || signal.aborted) continue;
    try {
      await using client = connectRunner(config, runner, { signal });
      const credentials = await client.resetToken(runner.runnerToken);
      const warn = (message: string) => log.warn(message, { file: configFile });
      const edit = (text: string) => setRunnerKeys(text, index, tokenKeys(credentials));
      await editConfig(configFile, edit, { warn }).catch((error: unknown) => {
        metrics.configSaved("failed");
        throw error;
      });
      metrics.configSaved("saved");
      log.info("runner token replaced before it expires", { "runner.name": runner.name });
    } catch (error) {
      log.error("runner token could not be replaced", { "runner.name": runner.name, err: error });
    }
  }
}
