import type { StageSpan } from "@jobscope/job-telemetry";
import type { ScriptStep } from "../../coordinator-client/job.ts";
import type { ScriptPart, UserScriptRequest } from "../../shell/shell-dialect.ts";
import { scriptContextOf } from "../job-context.ts";
import type { PreparedRun } from "../job-run.ts";
import { commandMarksFileOf, watchCommands } from "./command-spans.ts";
import { runScript } from "./run-script.ts";
import { runStage, traceStage } from "./run-stage.ts";
import { stageHeadings, userStageHeading } from "./stage-name.ts";

/** The steps but `after_script`, in order, until one fails. Rule: runner-protocol.md §2.1, phase 9. */
export async function runUserScripts(run: PreparedRun, signal: AbortSignal): Promise<void> {
  const { scriptSteps } = run.options.job;
  const last = scriptSteps.findLast(({ script }) => script.length > 0);
  for (const step of scriptSteps) {
    if (step.name === "after_script") continue;
    const name = `step_${step.name.toLowerCase()}`;
    const parts = partsOf(run, step);
    const isFollowed = step !== last;
    await runUserStage(run, { name, heading: userStageHeading(name), parts, notice: undefined, signal, isFollowed });
  }
}

/** `after_script`; nothing when the job has none. Rule: runner-protocol.md §2.3. */
export async function runAfterScript(run: PreparedRun, jobStatus: string, signal: AbortSignal): Promise<void> {
  const step = run.options.job.scriptSteps.find(({ name }) => name === "after_script");
  if (step === undefined || step.script.length === 0) return;
  const name = "after_script";
  const parts = [{ sectionPrefix: "after_script_step", entries: step.script }];
  const notice = "Running after script...";
  await runUserStage(run, { name, heading: stageHeadings[name], parts, notice, signal, jobStatus, isFollowed: false });
}

interface UserStage {
  readonly name: string;
  readonly heading: string;
  readonly parts: readonly ScriptPart[];
  readonly notice: string | undefined;
  readonly signal: AbortSignal;
  readonly jobStatus?: string;
  readonly isFollowed: boolean;
}

async function runUserStage(run: PreparedRun, stage: UserStage): Promise<void> {
  await runStage(run, stage, () =>
    traceStage(run, { name: stage.name }, async (span) => {
      run.sectionSpan.current = span;
      try {
        await runUserScript(run, stage, span);
      } finally {
        run.sectionSpan.current = undefined;
      }
    }),
  );
}

async function runUserScript(run: PreparedRun, stage: UserStage, span: StageSpan): Promise<void> {
  const commandMarksFile = await commandMarksFileOf(run);
  const request: UserScriptRequest = {
    ...scriptContextOf(run, span, stage.jobStatus),
    parts: stage.parts,
    notice: stage.notice,
    commandMarksFile,
  };
  const text = run.userDialect.userScript(request);
  const commands = stage.parts.flatMap(({ entries }) => entries.map((entry) => entry.trim()));
  const watch = watchCommands(run, commandMarksFile, commands, span);
  try {
    const { name, signal, isFollowed } = stage;
    await runScript(run, { name, text, span, signal, container: "build", isFollowed });
    await watch.end(undefined);
  } catch (error) {
    await watch.end(error);
    throw error;
  }
}

/** Rule: runner-protocol.md §3.6; the lines of a `release` step are expanded by the runner (§3.2). */
function partsOf(run: PreparedRun, step: ScriptStep): ScriptPart[] {
  const { preBuildScript, postBuildScript } = run.options.runner;
  const entries = step.name === "release" ? step.script.map(run.variables.expand) : step.script;
  return [
    ...hookPart("pre_build_script", preBuildScript),
    { sectionPrefix: "script_step", entries },
    ...hookPart("post_build_script", postBuildScript),
  ];
}

function hookPart(sectionPrefix: string, script: string | undefined): ScriptPart[] {
  return script === undefined || script === "" ? [] : [{ sectionPrefix, entries: [script] }];
}
