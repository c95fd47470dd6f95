import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { HelperRun, RunHelper } from "../../src/executors/executor.ts";

/** The helper program as a process of this machine, in place of one in a container. */
export interface HelperAsProcess {
  readonly runHelper: RunHelper;
  /** All processes so far, with what they were given. */
  readonly started: readonly { readonly child: ChildProcess; readonly run: HelperRun }[];
}

const program = path.join(import.meta.dirname, "../../src/helper/main.ts");

/** @param command what is run, with the arguments of each run after it. Default: the program from its source. */
export function helperAsProcess(
  command: readonly string[] = [process.execPath, "--conditions=jobscope-source", program],
): HelperAsProcess {
  const started: { child: ChildProcess; run: HelperRun }[] = [];
  const [file = "", ...first] = command;
  return {
    started,
    async runHelper(run, { signal }) {
      const child = spawn(file, [...first, ...run.args], { env: { PATH: "/usr/bin:/bin", PLACE: "helper" } });
      started.push({ child, run });
      const kill = () => child.kill("SIGKILL");
      signal.addEventListener("abort", kill, { once: true });
      // A program that is gone reads no more.
      child.stdin.on("error", () => undefined);
      run.stdin.pipe(child.stdin);
      child.stdout.on("data", run.onStdout);
      child.stderr.on("data", run.onStderr);
      const [exitCode, signalName] = await once(child, "close");
      signal.removeEventListener("abort", kill);
      return signalName === null ? { kind: "exited", exitCode } : { kind: "killed", signal: signalName };
    },
  };
}
