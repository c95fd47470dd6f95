import type { JobGitInfo } from "../coordinator-client/job.ts";
import type { GitRemote } from "./git-remote.ts";
import type { GitSettings } from "./git-settings.ts";
import type { VariableSet } from "./variable-set.ts";

/**
 * A script language: turns what a build stage has to do into the text that a shell is given. Pure.
 *
 * Rule: runner-protocol.md §3.
 */
export interface ShellDialect {
  readonly name: "bash" | "sh" | "pwsh";
  /** Program and arguments that read a script from standard input; a login shell where there are such (§3.1). */
  readonly command: readonly string[];
  /** See `SessionRequest.preamble`. */
  readonly preamble: string;
  /** A `step_*` or `after_script` stage. */
  userScript(request: UserScriptRequest): string;
  /** `get_sources` for the strategies `fetch` and `clone`. */
  getSources(request: SourcesRequest): string;
  /** `clear_worktree`. */
  clearWorktree(request: ScriptContext): string;
  /** What `FF_ENABLE_JOB_CLEANUP` adds to the end of a job whose strategy is `fetch`. */
  resetWorktree(request: ResetWorktreeRequest): string;
}

/** What every script needs to know. Directories are absolute. */
export interface ScriptContext {
  readonly variables: VariableSet;
  readonly projectDirectory: string;
  /** `<project dir>.tmp`: file variables, the `GITLAB_ENV` file, git's configuration. */
  readonly temporaryDirectory: string;
  /** Variables of the telemetry's (`TRACEPARENT`); the job's own win (telemetry.md §3). */
  readonly traceEnvironment: Readonly<Record<string, string>>;
  /** `CI_DEBUG_TRACE`: the shell shows every command it runs. */
  readonly isDebugTrace: boolean;
  /** `FF_USE_LEGACY_BASH_EVAL`: feeds the script's standard input from `:` instead of `/dev/null`. */
  readonly usesLegacyEval: boolean;
  /** `FF_ENABLE_BASH_EXIT_CODE_CHECK`: an explicit check after each entry. */
  readonly checksExitCodes: boolean;
  /** `FF_SCRIPT_SECTIONS`, when the coordinator accepts sections: entries of several lines are shown in a section. */
  readonly showsScriptSections: boolean;
  /** `FF_GIT_URLS_WITHOUT_TOKENS`: no token in any URL or file; git asks a helper. */
  readonly usesTokenlessGit: boolean;
}

/** Entries that are shown and run, and the name their sections begin with. */
export interface ScriptPart {
  readonly sectionPrefix: string;
  readonly entries: readonly string[];
}

export interface UserScriptRequest extends ScriptContext {
  /** In order: `pre_build_script`, the step's entries, `post_build_script` (runner-protocol.md §3.6). */
  readonly parts: readonly ScriptPart[];
  /** A green line ahead of the entries; `after_script` has one. */
  readonly notice: string | undefined;
  /** File to which the script says that an entry begins; `undefined`: it does not. See `ScriptWriter.markEntry`. */
  readonly commandMarksFile: string | undefined;
}

export interface SourcesRequest extends ScriptContext {
  readonly git: JobGitInfo;
  readonly settings: GitSettings;
  readonly remote: GitRemote;
  /** `<name> <version> <os>/<arch>`. */
  readonly userAgent: string;
  /** `FF_USE_GITALY_CORRELATION_ID`: sent to Gitaly and shown; `undefined` when off. */
  readonly correlationId: string | undefined;
  /** `FF_USE_GIT_BUNDLE_URIS`. */
  readonly usesBundleUris: boolean;
  /** `FF_USE_GIT_PROACTIVE_AUTH`. */
  readonly usesProactiveAuth: boolean;
  /** `FF_USE_GIT_NATIVE_CLONE`. */
  readonly usesNativeClone: boolean;
  /** `clean_git_config` (runner-protocol.md §3.5). */
  readonly cleansGitConfig: boolean;
  /** `safe_directory_checkout`. */
  readonly marksSafeDirectory: boolean;
  /** File to which the script writes how many bytes git received; `undefined`: it does not count. */
  readonly receivedBytesFile: string | undefined;
  readonly preHooks: readonly string[];
  readonly postHooks: readonly string[];
}

export interface ResetWorktreeRequest extends ScriptContext {
  readonly settings: GitSettings;
}
