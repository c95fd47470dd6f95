import path from "node:path";
import { type GitConfigEntry, gitConfigText } from "./git-config-text.ts";
import type { ScriptWriter } from "./script-writer.ts";
import type { SourcesRequest } from "./shell-dialect.ts";
import { externalGitConfigFileName, gitGlobalConfigFileName, gitTemplateDirectoryName } from "./temporary-files.ts";

/** The files `writeGitConfig` wrote. */
export interface GitConfigFiles {
  readonly templateDirectory: string;
  readonly externalFile: string;
}

/**
 * Writes the template that new repositories begin with, and the external configuration that holds what must not be in
 * the project directory. Rule: runner-protocol.md §3.5, steps 2 and 3.
 */
export function writeGitConfig(script: ScriptWriter, request: SourcesRequest): GitConfigFiles {
  const templateDirectory = path.posix.join(request.temporaryDirectory, gitTemplateDirectoryName);
  const externalFile = path.posix.join(request.temporaryDirectory, externalGitConfigFileName);
  script.makeDirectory(templateDirectory);
  script.writeFile(path.posix.join(templateDirectory, "config"), gitConfigText(templateEntries(externalFile)));
  script.writeFile(externalFile, gitConfigText(externalEntries(request)));
  script.export("GLR_EXT_GIT_CONFIG_PATH", externalFile);
  if (request.usesTokenlessGit) writeGlobalConfig(script, request.temporaryDirectory, externalFile);
  // After the file that may stand in for the global configuration.
  if (request.marksSafeDirectory) {
    script.command("git", "config", "--global", "--add", "safe.directory", request.projectDirectory);
  }
  if (request.correlationId !== undefined) script.notice(`Gitaly correlation ID: ${request.correlationId}`);
  return { templateDirectory, externalFile };
}

function templateEntries(externalFile: string): GitConfigEntry[] {
  return [
    ["init", "", "defaultBranch", "none"],
    ["fetch", "", "recurseSubmodules", "false"],
    ["credential", "", "interactive", "never"],
    ["gc", "", "autoDetach", "false"],
    ["include", "", "path", externalFile],
  ];
}

function externalEntries(request: SourcesRequest): GitConfigEntry[] {
  const { remote, variables } = request;
  const entries: GitConfigEntry[] = [];
  if (request.correlationId !== undefined) {
    entries.push(["http", "", "extraHeader", `X-Gitaly-Correlation-ID: ${request.correlationId}`]);
  }
  if (request.usesBundleUris) entries.push(["transfer", "", "bundleURI", "true"]);
  for (const [variable, key] of tlsKeys) {
    if (remote.host !== undefined && variables.valueOf(variable) !== "") {
      entries.push(["http", remote.host, key, variables.processValueOf(variable) ?? ""]);
    }
  }
  for (const { actual, written } of remote.rewrites) entries.push(["url", actual, "insteadOf", written]);
  if (request.usesTokenlessGit && remote.host !== undefined) entries.push(...tokenHelper(remote.host));
  return entries;
}

const tlsKeys = [
  ["CI_SERVER_TLS_CA_FILE", "sslCAInfo"],
  ["CI_SERVER_TLS_CERT_FILE", "sslCert"],
  ["CI_SERVER_TLS_KEY_FILE", "sslKey"],
] as const;

/** The first, empty helper makes git forget the user's own ones for this host. */
function tokenHelper(host: string): GitConfigEntry[] {
  const helper = '!f() { test "$1" = get && echo "password=$CI_JOB_TOKEN"; }; f';
  return [
    ["credential", host, "helper", ""],
    ["credential", host, "helper", helper],
    ["credential", host, "username", "gitlab-ci-token"],
  ];
}

/** Stands in for the user's global configuration, and includes it. */
function writeGlobalConfig(script: ScriptWriter, temporaryDirectory: string, externalFile: string): void {
  const file = path.posix.join(temporaryDirectory, gitGlobalConfigFileName);
  // Of two files that set the same key, git takes what the later one says.
  script.writeFile(file, "");
  script.appendUserGitConfigs(file);
  script.command("git", "config", "--file", file, "--add", "include.path", externalFile);
}
