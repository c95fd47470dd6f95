import { externalGitConfigFileName, gitGlobalConfigFileName, gitlabEnvFileName } from "../../shell/temporary-files.ts";
import type { CleanUpRequest } from "../../workspace/workspace.ts";
import { scriptContextOf } from "../job-context.ts";
import type { PreparedRun } from "../job-run.ts";
import { remoteOf } from "./get-sources.ts";
import { runScript } from "./run-script.ts";
import { runStage, traceStage } from "./run-stage.ts";
import { stageHeadings } from "./stage-name.ts";

/**
 * `cleanup_file_variables`: what must not be left for later jobs. Its failure is told to the operator only.
 *
 * Rule: runner-protocol.md §2.1 (phase 14), §3.9.
 */
export async function cleanUp(run: PreparedRun, signal: AbortSignal): Promise<void> {
  const name = "cleanup_file_variables";
  await runStage(run, { name, heading: stageHeadings[name], signal }, () =>
    traceStage(run, { name }, async (span) => {
      try {
        if (run.flags.FF_ENABLE_JOB_CLEANUP && run.settings.git.strategy === "fetch") {
          const request = { ...scriptContextOf(run, span), settings: run.settings.git };
          await runScript(run, { name, text: run.dialect.resetWorktree(request), span, signal, container: "helper" });
        }
      } finally {
        if (!run.session.place.isFresh)
          await run.workspace.perform("clean-up", requestOf(run), { report: run.lines, signal });
      }
    }),
  );
}

/** How long an aborted job may take to be cleaned up after. */
const abortedCleanUpMs = 10_000;

/**
 * After an abort no stage runs any more. Where files outlive the job and only a helper reaches them, what later jobs must
 * not find goes all the same; where they are on this disk, `registerJob` sees to that.
 */
export async function cleanUpAborted(run: PreparedRun): Promise<void> {
  const { lifetime, session, workspace, options } = run;
  if (!lifetime.signal.aborted || session.runHelper === undefined || session.place.isFresh) return;
  const request = { ...requestOf(run), removesProject: false, credentials: undefined };
  const signal = AbortSignal.timeout(abortedCleanUpMs);
  try {
    await workspace.perform("clean-up", request, { report: run.lines, signal });
  } catch (error) {
    options.log.warn("what an aborted job left could not be cleaned up", { err: error });
  }
}

function requestOf(run: PreparedRun): CleanUpRequest {
  const { directories, variables, settings, flags } = run;
  const { strategy } = settings.git;
  const { host } = remoteOf(run);
  const isGitUsed = strategy !== "none" && strategy !== "empty";
  const fileVariables = variables.entries.filter(({ isFile }) => isFile).map(({ key }) => key);
  return {
    projectDirectory: directories.project,
    temporaryDirectory: directories.temporary,
    temporaryFiles: [
      gitlabEnvFileName,
      "masking.db",
      externalGitConfigFileName,
      gitGlobalConfigFileName,
      ...fileVariables,
    ],
    removesProject: flags.FF_ENABLE_JOB_CLEANUP && (strategy === "clone" || strategy === "empty"),
    credentials: host === undefined || !isGitUsed ? undefined : { url: host, directory: directories.root },
  };
}
