import path from "node:path";
import type { StageSpan } from "@jobscope/job-telemetry";
import { ansi } from "../../shell/ansi.ts";
import { gitRemoteOf } from "../../shell/git-remote.ts";
import type { GitSettings } from "../../shell/git-settings.ts";
import type { SourcesRequest } from "../../shell/shell-dialect.ts";
import { scriptContextOf } from "../job-context.ts";
import { JobFailure } from "../job-failure.ts";
import type { PreparedRun } from "../job-run.ts";
import { goArchitecture } from "../job-variables.ts";
import { attemptStage } from "./attempts.ts";
import { runScript } from "./run-script.ts";
import { runStage, traceStage } from "./run-stage.ts";
import { stageHeadings } from "./stage-name.ts";

/** `get_sources`, with a cleaned work tree before the second attempt. Rule: runner-protocol.md §2.1, §3.5. */
export async function getSources(run: PreparedRun, signal: AbortSignal): Promise<void> {
  const { sourcesFailure } = run.settings;
  if (sourcesFailure !== undefined) throw new JobFailure(sourcesFailure, { reason: "runner_system_failure" });
  await attemptStage(run, { attempts: run.settings.getSourcesAttempts, signal }, async (attempt) => {
    if (attempt === 2) await clearWorktree(run, signal);
    await getSourcesOnce(run, attempt, signal);
  });
}

async function getSourcesOnce(run: PreparedRun, attempt: number, signal: AbortSignal): Promise<void> {
  const { git } = run.settings;
  const name = "get_sources";
  const attributes = {
    "ci.git.operation": git.strategy,
    "ci.git.depth": run.options.job.git.depth,
    "ci.git.submodules": submoduleWord(run),
    "ci.resource.type": "git",
    "ci.resource.operation": git.strategy === "clone" ? "clone" : git.strategy === "fetch" ? "fetch" : undefined,
    "ci.operation.retry_count": attempt - 1,
  };
  await runStage(run, { name, heading: stageHeadings[name], signal }, () =>
    traceStage(run, { name, attempt, attributes }, async (span) => {
      if (git.strategy === "none" || git.strategy === "empty") await makeProjectDirectory(run, signal);
      else await runGit(run, span, signal);
    }),
  );
}

async function runGit(run: PreparedRun, span: StageSpan, signal: AbortSignal): Promise<void> {
  const request = sourcesRequest(run, span);
  span.setAttributes({ "ci.git.filter": filterOf(request.settings) });
  const text = run.dialect.getSources(request);
  try {
    await runScript(run, { name: "get_sources", text, span, signal, container: "helper", isFollowed: true });
  } finally {
    await noteReceivedBytes(run, request.receivedBytesFile, span, signal);
  }
}

/** Telemetry never fails a job: what cannot be read is not known. */
async function noteReceivedBytes(
  run: PreparedRun,
  file: string | undefined,
  span: StageSpan,
  signal: AbortSignal,
): Promise<void> {
  if (file === undefined || signal.aborted) return;
  const options = { report: run.lines, signal };
  const taken = await run.workspace.perform("take-text", { file }, options).catch(() => undefined);
  const number = taken?.text.trim() ?? "";
  if (!/^\d+$/.test(number)) return;
  const bytes = Number(number);
  span.setAttributes({ "ci.git.received_bytes": bytes, "ci.network.rx_bytes": bytes });
}

/** What a partial clone leaves out: `blob:none`. */
function filterOf({ strategy, fetchFlags, cloneFlags }: GitSettings): string | undefined {
  const flags = strategy === "clone" ? [...fetchFlags, ...cloneFlags] : fetchFlags;
  return flags.map((flag) => /^--filter=(.+)$/.exec(flag)?.[1]).find((filter) => filter !== undefined);
}

async function clearWorktree(run: PreparedRun, signal: AbortSignal): Promise<void> {
  const name = "clear_worktree";
  await runStage(run, { name, heading: stageHeadings[name], signal }, () =>
    traceStage(run, { name }, async (span) => {
      const text = run.dialect.clearWorktree(scriptContextOf(run, span));
      await runScript(run, { name, text, span, signal, container: "helper", isFollowed: true });
    }),
  );
}

/** The strategies without git need no shell either. */
async function makeProjectDirectory(run: PreparedRun, signal: AbortSignal): Promise<void> {
  const isEmpty = run.settings.git.strategy === "empty";
  const output = run.log.openStream("stdout");
  const notice = (text: string) => output.write(Buffer.from(`${ansi.boldGreen}${text}${ansi.reset}\n`));
  await notice(`Skipping Git repository setup${isEmpty ? " and creating an empty build directory" : ""}`);
  const request = { directory: run.directories.project, isEmptied: isEmpty };
  // A fresh place has the directory, and nothing in it.
  if (!run.session.place.isFresh) await run.workspace.perform("make-directory", request, { report: run.lines, signal });
  await notice("Skipping Git checkout");
  await notice("Skipping Git submodules setup");
  output.end();
}

function sourcesRequest(run: PreparedRun, span: StageSpan): SourcesRequest {
  const { flags, settings, options } = run;
  const { job, runner, product } = options;
  const hook = (name: string) => job.hooks.filter((entry) => entry.name === name).flatMap(({ script }) => script);
  return {
    ...scriptContextOf(run, span),
    git: job.git,
    settings: settings.git,
    remote: remoteOf(run),
    userAgent: `${product.name} ${product.version} ${process.platform}/${goArchitecture()}`,
    correlationId: flags.FF_USE_GITALY_CORRELATION_ID && job.correlationId !== "" ? job.correlationId : undefined,
    usesBundleUris: flags.FF_USE_GIT_BUNDLE_URIS,
    usesProactiveAuth: flags.FF_USE_GIT_PROACTIVE_AUTH,
    usesNativeClone: flags.FF_USE_GIT_NATIVE_CLONE,
    cleansGitConfig: runner.cleanGitConfig ?? options.executor.name !== "shell",
    marksSafeDirectory: runner.safeDirectoryCheckout ?? options.executor.name === "docker",
    receivedBytesFile: receivedBytesFileOf(run),
    preHooks: [...optional(runner.preGetSourcesScript), ...hook("pre_get_sources_script")],
    postHooks: [...hook("post_get_sources_script"), ...optional(runner.postGetSourcesScript)],
  };
}

/** Not with `CI_DEBUG_TRACE`, where the log would show it, nor where the job itself looks at what git receives. */
function receivedBytesFileOf({ options, settings, variables, directories }: PreparedRun): string | undefined {
  const isWanted = options.jobTrace.traceId !== undefined && !settings.isDebugTrace;
  return isWanted && !variables.has("GIT_TRACE_PACKFILE")
    ? path.posix.join(directories.temporary, "git_received_bytes")
    : undefined;
}

/** Where the sources come from, and with which credentials. */
export function remoteOf({ options, variables, settings, flags }: PreparedRun) {
  return gitRemoteOf({
    repositoryUrl: options.job.git.repositoryUrl,
    cloneUrl: options.runner.cloneUrl,
    runnerUrl: options.runner.url,
    jobToken: options.job.jobToken,
    projectPath: variables.valueOf("CI_PROJECT_PATH"),
    forcesHttps: settings.forcesHttpsForSubmodules,
    sshHost: variables.valueOf("CI_SERVER_SHELL_SSH_HOST") || variables.valueOf("CI_SERVER_HOST"),
    sshPort: variables.valueOf("CI_SERVER_SHELL_SSH_PORT"),
    isTokenless: flags.FF_GIT_URLS_WITHOUT_TOKENS,
  });
}

function submoduleWord({ settings }: PreparedRun): string {
  const { submodules, strategy } = settings.git;
  if (submodules === undefined || strategy === "none" || strategy === "empty") return "none";
  return submodules.isRecursive ? "recursive" : "normal";
}

function optional(text: string | undefined): string[] {
  return text === undefined || text === "" ? [] : [text];
}
