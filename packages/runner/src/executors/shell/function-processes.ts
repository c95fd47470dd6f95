import type { ProcessHost } from "@jobscope/functions";
import { markVariable } from "./process-mark.ts";
import { isGroupAlive } from "./stop-processes.ts";

/** The commands of a job's functions, each in a process group of its own. */
export interface FunctionProcesses {
  readonly host: ProcessHost;
  /** Carried by every process that a command starts. */
  readonly mark: string;
  /** Leaders of groups that may still have members: that of the running command, and those with background processes. */
  groups(): readonly number[];
}

export interface FunctionProcessesOptions {
  readonly mark: string;
  /** The runner's own `PATH`, searched after the step's (ci-functions.md §5.2). */
  readonly path: string | undefined;
  /** For output, export and variable files. */
  readonly tempDir: string;
  /** Between SIGTERM and SIGKILL when a command is told to end; 5 s by ci-functions.md §5.2. */
  readonly graceMs: number;
}

/** Loads the functions engine, which a runner of script jobs alone does not need. */
export async function createFunctionProcesses(options: FunctionProcessesOptions): Promise<FunctionProcesses> {
  const { createLocalProcesses } = await import("@jobscope/functions");
  const { mark, path, tempDir, graceMs } = options;
  const left = new Set<number>();
  let running: number | undefined;
  const local = createLocalProcesses({
    ...(path === undefined ? {} : { path }),
    tempDir,
    graceMs,
    onStart: (pid) => {
      running = pid;
    },
  });
  const host: ProcessHost = {
    files: local.files,
    foreign: undefined,
    async run(command) {
      try {
        return await local.run({ ...command, env: { ...command.env, [markVariable]: mark } });
      } finally {
        // An empty group is forgotten at once: its number may soon be that of somebody else's.
        if (running !== undefined && isGroupAlive(running)) left.add(running);
        running = undefined;
      }
    },
    findProgram: local.findProgram,
    [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
  };
  return { host, mark, groups: () => (running === undefined ? [...left] : [...left, running]) };
}
