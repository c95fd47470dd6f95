import { readFile } from "node:fs/promises";
import type { StageSpan } from "@jobscope/job-telemetry";
import type { JobVariable } from "../coordinator-client/job.ts";
import { createPosixDialect } from "../shell/posix/posix-dialect.ts";
import { createPowerShellDialect } from "../shell/powershell/powershell-dialect.ts";
import type { ScriptContext, ShellDialect } from "../shell/shell-dialect.ts";
import { createVariableSet, plainVariable, type VariableSet } from "../shell/variable-set.ts";
import { type BuildDirectories, buildDirectoriesOf, buildPlaceOf } from "./build-directories.ts";
import { type FeatureFlags, resolveFeatureFlags } from "./feature-flags.ts";
import { interpolateInputs } from "./interpolate-inputs.ts";
import type { JobExecutionOptions } from "./job-execution.ts";
import { JobFailure } from "./job-failure.ts";
import { type JobSettings, readJobSettings } from "./job-settings.ts";
import { jobVariablesOf, type TlsTexts } from "./job-variables.ts";

/** What is known of a job before anything of it runs. Immutable. */
export interface JobContext {
  readonly options: JobExecutionOptions;
  readonly flags: FeatureFlags;
  readonly settings: JobSettings;
  readonly variables: VariableSet;
  readonly directories: BuildDirectories;
  readonly tls: TlsTexts;
  /** Of our own scripts, which get the sources say. */
  readonly dialect: ShellDialect;
  /** Of the user's scripts: another one only where they run elsewhere than ours. */
  readonly userDialect: ShellDialect;
  /** What is said of settings that could not be used: flags and others. */
  readonly problems: readonly string[];
}

/** @throws {JobFailure} when the job's settings contradict the runner's. */
export async function createJobContext(asked: JobExecutionOptions): Promise<JobContext> {
  const { runner } = asked;
  const tls = await readTlsTexts(asked);
  const resolved = resolveFlags(asked, tls);
  const job = resolved.flags.FF_ENABLE_JOB_INPUTS_INTERPOLATION ? await interpolateInputs(asked.job) : asked.job;
  const options = { ...asked, job };
  const place = buildPlaceOf(runner, options.workingDirectory);
  const provisional = { root: place.builds, project: "", temporary: "", cache: "" };
  const early = createVariableSet(jobVariablesOf(options, resolved.flags, tls, provisional), "");
  const settings = readJobSettings({
    valueOf: early.valueOf,
    allowsGitFetch: job.allowsGitFetch,
    depth: job.git.depth,
    debugTraceDisabled: runner.debugTraceDisabled,
  });
  const directories = buildDirectoriesOf({
    place,
    shortToken: runner.shortToken,
    concurrentProjectId: options.concurrentProjectId,
    repositoryUrl: job.git.repositoryUrl,
    projectId: job.project.id,
    isEmptyStrategy: settings.git.strategy === "empty",
    clonePath: settings.clonePath,
    isClonePathAllowed: runner.customBuildDirEnabled,
  });
  return {
    options,
    flags: resolved.flags,
    settings,
    directories,
    tls,
    variables: createVariableSet(jobVariablesOf(options, resolved.flags, tls, directories), directories.temporary),
    ...dialectsOf(options, resolved.flags),
    problems: [...settings.problems, ...resolved.problems],
  };
}

/** The context with what the job's secret providers gave: other variables may refer to it. */
export function withSecretVariables(context: JobContext, secrets: readonly JobVariable[]): JobContext {
  const { options, flags, tls, directories } = context;
  const variables = createVariableSet(jobVariablesOf(options, flags, tls, directories, secrets), directories.temporary);
  return { ...context, variables };
}

/** What scripts are told. `stage` is the span they run in; its ids go into their environment. */
export function scriptContextOf(context: JobContext, stage: StageSpan, jobStatus?: string): ScriptContext {
  const { flags, settings, directories, options } = context;
  const changed = jobStatus === undefined ? [] : [plainVariable("CI_JOB_STATUS", jobStatus)];
  return {
    variables: changed.length === 0 ? context.variables : context.variables.with(changed),
    projectDirectory: directories.project,
    temporaryDirectory: directories.temporary,
    traceEnvironment: stage.environment,
    isDebugTrace: settings.isDebugTrace,
    usesLegacyEval: flags.FF_USE_LEGACY_BASH_EVAL,
    checksExitCodes: flags.FF_ENABLE_BASH_EXIT_CODE_CHECK,
    showsScriptSections: flags.FF_SCRIPT_SECTIONS && options.job.acceptsLogSections,
    usesTokenlessGit: flags.FF_GIT_URLS_WITHOUT_TOKENS,
  };
}

function resolveFlags(options: JobExecutionOptions, tls: TlsTexts) {
  const { flags } = resolveFeatureFlags({}, () => undefined);
  const variables = createVariableSet(jobVariablesOf(options, flags, tls, undefined), "");
  return resolveFeatureFlags(options.runner.featureFlags, (name) => {
    const variable = options.job.variables.findLast(({ key }) => key === name);
    return variable === undefined || variable.isRaw ? variable?.value : variables.expand(variable.value);
  });
}

function dialectsOf({ runner }: JobExecutionOptions, flags: FeatureFlags): Pick<JobContext, "dialect" | "userDialect"> {
  const shell = runner.shell ?? "bash";
  if (shell === "powershell") {
    throw new JobFailure(
      'the shell "powershell" is Windows PowerShell, which this runner does not have: shell = "pwsh" is PowerShell here',
      { reason: "runner_configuration_error" },
    );
  }
  if (runner.executor === "docker") {
    // Which shell there is in a container shows when it runs: such scripts are for all of them.
    const dialect = createPosixDialect("sh");
    return { dialect, userDialect: shell === "pwsh" ? createPowerShellDialect() : dialect };
  }
  const dialect =
    shell === "pwsh"
      ? createPowerShellDialect()
      : createPosixDialect(shell, { usesPosixQuotes: flags.FF_POSIXLY_CORRECT_ESCAPES });
  return { dialect, userDialect: dialect };
}

/** Only for coordinators reached over TLS. Rule: runner-protocol.md §3.2, group 4. */
async function readTlsTexts({ job, runner }: JobExecutionOptions): Promise<TlsTexts> {
  if (!runner.url.toLowerCase().startsWith("https:")) return { authorities: "", certificate: "", key: "" };
  const [authorities, certificate, key] = await Promise.all(
    [runner.tls.caFile, runner.tls.certFile, runner.tls.keyFile].map(readIfThere),
  );
  return {
    authorities: authorities || job.serverCertificateChain || "",
    certificate: certificate ?? "",
    key: key ?? "",
  };
}

async function readIfThere(file: string | undefined): Promise<string> {
  return file === undefined ? "" : readFile(file, "utf8").catch(() => "");
}
