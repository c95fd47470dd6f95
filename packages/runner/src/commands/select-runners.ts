import type { RunnerManagerConfig } from "../config/manager-config.ts";
import type { RunnerConfig } from "../config/runner-config.ts";
import { CommandError } from "./command-io.ts";

/** Which runners of a file are meant; all given texts must match exactly. */
export interface RunnerSelector {
  readonly name?: string | undefined;
  readonly url?: string | undefined;
  readonly runnerToken?: string | undefined;
}

/** A runner and its place among the `[[runners]]` of its file. */
export interface SelectedRunner {
  readonly index: number;
  readonly runner: RunnerConfig;
}

/** @throws {CommandError} when the selector matches nothing: it was probably misspelt (runner-protocol.md §6.8). */
export function selectRunners(config: RunnerManagerConfig, selector: RunnerSelector): readonly SelectedRunner[] {
  const all = config.runners.map((runner, index) => ({ index, runner }));
  const { name, url, runnerToken } = selector;
  const isSelective = name !== undefined || url !== undefined || runnerToken !== undefined;
  const selected = all.filter(
    ({ runner }) =>
      (name === undefined || runner.name === name) &&
      (url === undefined || runner.url === url) &&
      (runnerToken === undefined || runner.runnerToken === runnerToken),
  );
  if (isSelective && selected.length === 0) {
    const wanted = [name === undefined ? "" : `name "${name}"`, url === undefined ? "" : `URL "${url}"`]
      .concat(runnerToken === undefined ? "" : "that token")
      .filter((part) => part !== "");
    throw new CommandError(2, `no runner in ${config.configFile ?? "the configuration"} has ${wanted.join(" and ")}`);
  }
  return selected;
}
