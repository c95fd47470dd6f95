import type { TaskFacts, WorkspaceTasks } from "../../workspace/workspace.ts";
import { WorkspaceError } from "../../workspace/workspace-error.ts";
import type { PreparedRun } from "../job-run.ts";
import { scriptFailure } from "./run-stage.ts";
import type { StageOutput } from "./stage-output.ts";

interface Surroundings {
  readonly output: StageOutput;
  readonly signal: AbortSignal;
  readonly onFacts: (facts: TaskFacts) => void;
}

/** Has artifacts moved. What goes wrong with them is the last line of the stage, and fails it as a script would. */
export async function moveArtifacts<Name extends "download-artifacts" | "upload-artifacts">(
  run: PreparedRun,
  name: Name,
  request: WorkspaceTasks[Name]["request"],
  { output, signal, onFacts }: Surroundings,
): Promise<void> {
  try {
    await run.workspace.perform(name, request, { report: output.helper, onFacts, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof WorkspaceError)) throw error;
    output.helper.fatal(error.message);
    throw scriptFailure(run, 1);
  }
}
