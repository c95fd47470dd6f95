import { FunctionError } from "../function-error.ts";
import type { PreparedCommand } from "./exec-form.ts";
import type { JobRun } from "./job-run.ts";

// Search order of ci-functions.md §1.4: bash anywhere before sh anywhere.
const shells = [
  "bash",
  "/usr/local/bin/bash",
  "/usr/bin/bash",
  "/bin/bash",
  "sh",
  "/usr/local/bin/sh",
  "/usr/bin/sh",
  "/bin/sh",
  "/busybox/sh",
];

/** No `errexit`: a stricter mode would fail jobs that pass on GitLab (§1.4). */
const shellOptions = ["-c"];

/** The command of a script step: a shell that runs the text in the job's directory (§1.4). */
export async function prepareScript(
  job: JobRun,
  script: string,
  env: Readonly<Record<string, string>>,
): Promise<PreparedCommand> {
  const shell = await job.processes.findProgram(shells, env["PATH"]);
  const command = shell === undefined ? job.processes.foreign?.shell : ([shell] as const);
  if (command === undefined) {
    throw new FunctionError("shell not found: neither bash nor sh", { code: "command_failed", exitCode: 1 });
  }
  return { command: [...command, ...shellOptions, script], workDir: job.workDir };
}
