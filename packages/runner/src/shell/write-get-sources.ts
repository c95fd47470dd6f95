import path from "node:path";
import { exportVariables } from "./export-variables.ts";
import { type GitConfigFiles, writeGitConfig } from "./git-config-files.ts";
import { removeGitLeftovers } from "./git-leftovers.ts";
import type { ScriptWriter } from "./script-writer.ts";
import type { ResetWorktreeRequest, SourcesRequest } from "./shell-dialect.ts";
import { showAndRun } from "./show-and-run.ts";
import { updateSubmodules } from "./submodules.ts";

/** Writes `get_sources` for the strategies `fetch` and `clone`. Rule: runner-protocol.md §3.5. */
export function writeGetSources(script: ScriptWriter, request: SourcesRequest): void {
  exportVariables(script, request);
  script.export("GIT_TERMINAL_PROMPT", "0");
  script.export("GCM_INTERACTIVE", "Never");
  showAndRun(script, { sectionPrefix: "pre_clone_script", entries: request.preHooks }, request);
  if (!request.settings.skipsLfs) script.export("GIT_LFS_SKIP_SMUDGE", "1");

  const { receivedBytesFile } = request;
  removeGitLeftovers(script, request);
  const config = writeGitConfig(script, request);
  if (receivedBytesFile !== undefined) script.startCountingReceived(receivedBytesFile);
  if (request.settings.strategy === "clone") script.removeTrees(request.projectDirectory);
  if (request.settings.strategy === "clone" && request.usesNativeClone) cloneOrFetch(script, request, config);
  else fetchSources(script, request, config);
  checkOut(script, request);
  updateSubmodules(script, request, config.externalFile);
  if (receivedBytesFile !== undefined) script.stopCountingReceived();

  showAndRun(script, { sectionPrefix: "post_clone_script", entries: request.postHooks }, request);
  forgetCredentials(script, request.remote.host);
}

function fetchSources(script: ScriptWriter, request: SourcesRequest, config: GitConfigFiles): void {
  const { git, projectDirectory, settings, remote } = request;
  script.notice(git.depth > 0 ? `Fetching changes with git depth set to ${git.depth}...` : "Fetching changes...");
  const objectFormat = git.objectFormat === "sha1" ? [] : ["--object-format", git.objectFormat];
  script.command("git", "init", projectDirectory, "--template", config.templateDirectory, ...objectFormat);
  script.changeDirectory(projectDirectory);
  script.ifSucceeds(
    ["git", "remote", "add", "origin", remote.url],
    { isSilent: true },
    () => script.notice("Created fresh repository."),
    () => {
      script.command("git", "remote", "set-url", "origin", remote.url);
      includeExternalConfig(script, config.externalFile);
    },
  );
  const depth = git.depth > 0 ? ["--depth", String(git.depth)] : [];
  const fetch = [
    ...["git", ...requestOptions(request), "fetch", "origin", "--no-recurse-submodules"],
    ...[...git.refspecs, ...depth, ...settings.fetchFlags],
  ];
  if (git.depth > 0) script.command(...fetch);
  else {
    script.ifFile(
      path.posix.join(projectDirectory, ".git/shallow"),
      () => script.command(...fetch, "--unshallow"),
      () => script.command(...fetch),
    );
  }
}

/** `git clone --revision` where git knows it (2.49 and later), else as without the flag. */
function cloneOrFetch(script: ScriptWriter, request: SourcesRequest, config: GitConfigFiles): void {
  script.ifPrints(
    ["git", "clone", "-h"],
    "--revision",
    () => cloneSources(script, request, config),
    () => fetchSources(script, request, config),
  );
}

function cloneSources(script: ScriptWriter, request: SourcesRequest, config: GitConfigFiles): void {
  const { git, projectDirectory, settings, remote } = request;
  const what = git.ref === "" ? "Cloning repository" : `Cloning repository for ${git.ref}`;
  script.notice(git.depth > 0 ? `${what} with git depth set to ${git.depth}...` : `${what}...`);
  const revision = git.ref === "" ? [] : [git.ref.startsWith("refs/") ? "--revision" : "--branch", git.ref];
  script.command(
    ...["git", ...requestOptions(request), "clone", "--no-checkout", remote.url, projectDirectory],
    ...["--template", config.templateDirectory],
    ...(git.depth > 0 ? ["--depth", String(git.depth)] : []),
    ...revision,
    ...settings.cloneFlags,
  );
  script.changeDirectory(projectDirectory);
}

/** An existing repository does not read the template again. */
function includeExternalConfig(script: ScriptWriter, externalFile: string): void {
  const sameFile = `${path.posix.basename(externalFile).replaceAll(".", "\\.")}$`;
  script.command("git", "config", "--file", ".git/config", "--replace-all", "include.path", externalFile, sameFile);
}

function requestOptions(request: SourcesRequest): string[] {
  return ["-c", `http.userAgent=${request.userAgent}`, ...proactiveAuth(request)];
}

/** Asks git to send credentials at once; limited to the host, so that bundle URIs elsewhere do not get them. */
function proactiveAuth(request: SourcesRequest): string[] {
  if (!request.usesProactiveAuth) return [];
  const scope = request.remote.host === undefined ? "" : `${request.remote.host}.`;
  return ["-c", `http.${scope}proactiveAuth=basic`];
}

function checkOut(script: ScriptWriter, request: SourcesRequest): void {
  const { git, settings } = request;
  if (!settings.checksOut) {
    script.notice("Skipping Git checkout");
    return;
  }
  script.notice(`Checking out ${git.sha.slice(0, 8)} as detached HEAD (ref is ${git.ref})...`);
  const options = ["-c", "submodule.recurse=false", ...proactiveAuth(request)];
  script.command("git", ...options, "checkout", "-f", "-q", git.sha);
  if (settings.cleanFlags.length > 0) script.command("git", "clean", ...settings.cleanFlags);
  if (settings.skipsLfs) return;
  script.ifSucceeds(["git", "lfs", "version"], { isSilent: true }, () => {
    script.command("git", "lfs", "pull");
    script.print("");
  });
}

/** A credential helper of the user's may have stored the job token. Best effort. */
function forgetCredentials(script: ScriptWriter, host: string | undefined): void {
  if (host === undefined) return;
  script.attempt(["git", "credential", "reject"], `url=${host}\nusername=gitlab-ci-token\n\n`);
}

/** Writes `clear_worktree`. Rule: runner-protocol.md §3.5. */
export function writeClearWorktree(script: ScriptWriter, projectDirectory: string): void {
  script.notice("Deleting tracked and untracked files...");
  script.ifDirectory(projectDirectory, () => {
    script.changeDirectory(projectDirectory);
    script.command("git", "rm", "-rf", "--ignore-unmatch", "--quiet", ".");
    script.command("git", "clean", "-ffdx", "-q");
  });
}

/** Writes what `FF_ENABLE_JOB_CLEANUP` adds to the end of a job whose strategy is `fetch`. Rule: runner-protocol.md §3.9. */
export function writeResetWorktree(script: ScriptWriter, request: ResetWorktreeRequest): void {
  const { cleanFlags, submodules } = request.settings;
  exportVariables(script, request);
  script.changeDirectory(request.projectDirectory);
  if (cleanFlags.length > 0) script.command("git", "clean", ...cleanFlags);
  script.command("git", "reset", "--hard");
  if (submodules === undefined) return;
  const each = ["git", "submodule", "foreach", ...(submodules.isRecursive ? ["--recursive"] : [])];
  if (cleanFlags.length > 0) script.command(...each, "git", "clean", ...cleanFlags);
  script.command(...each, "git", "reset", "--hard");
}
