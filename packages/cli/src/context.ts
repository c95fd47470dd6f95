import { join } from "node:path";
import type { ReadStream, WriteStream } from "node:tty";
import { baseDirectory, type Environment, homeDirectory, readEnvironment } from "./process-environment.ts";
import { createPalette, type Palette } from "./view/palette.ts";

/** What commands know of the process they run in: read once, here. Nothing else looks at `process`, but for its signals. */
export interface CommandContext {
  readonly stdout: WriteStream;
  readonly stderr: WriteStream;
  readonly stdin: ReadStream;
  readonly environment: Environment;
  readonly workingDirectory: string;
  /** Where everything that outlives a command is kept, unless `--data` says otherwise. */
  readonly defaultDataDir: string;
  /** Where GitLab's runner looks for its configuration (runner-protocol.md §6.1). */
  readonly defaultRunnerConfig: string;
  /** Whether stdout can be redrawn in place. */
  readonly isLiveTerminal: boolean;
  /** Cells of a line on stdout; 100 where that is no terminal. */
  readonly width: () => number;
  readonly palette: Palette;
  readonly errorPalette: Palette;
  readonly helpWidth: number;
}

export function openContext(): CommandContext {
  const environment = readEnvironment();
  const { stdout, stderr } = process;
  // A reader that goes away (`| head`) ends our writing, not our clean-up.
  for (const stream of [stdout, stderr]) stream.on("error", () => undefined);
  const isTerminal = stdout.isTTY === true;
  return {
    stdout,
    stderr,
    stdin: process.stdin,
    environment,
    workingDirectory: process.cwd(),
    defaultDataDir: join(baseDirectory(environment, "data"), "jobscope"),
    defaultRunnerConfig: defaultRunnerConfig(environment),
    isLiveTerminal: isTerminal && environment["TERM"] !== "dumb",
    width: () => (isTerminal && stdout.columns > 0 ? stdout.columns : 100),
    palette: createPalette({ hasColour: wantsColour(environment, isTerminal) }),
    errorPalette: createPalette({ hasColour: wantsColour(environment, stderr.isTTY === true) }),
    helpWidth: Math.min(110, isTerminal && stdout.columns > 0 ? stdout.columns : 100),
  };
}

/** Rule: https://no-color.org (any value but the empty one), `FORCE_COLOR` as Node has it, dumb terminals. */
function wantsColour(environment: Environment, isTerminal: boolean): boolean {
  if ((environment["NO_COLOR"] ?? "") !== "") return false;
  const forced = environment["FORCE_COLOR"];
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false";
  return isTerminal && environment["TERM"] !== "dumb";
}

function defaultRunnerConfig(environment: Environment): string {
  if (process.getuid?.() === 0) return "/etc/gitlab-runner/config.toml";
  return join(homeDirectory(environment), ".gitlab-runner", "config.toml");
}
