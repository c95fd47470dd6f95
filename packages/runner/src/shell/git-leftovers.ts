import path from "node:path";
import type { ScriptWriter } from "./script-writer.ts";
import type { SourcesRequest } from "./shell-dialect.ts";
import { gitTemplateDirectoryName } from "./temporary-files.ts";

/** What a git process that was killed leaves in `.git`, and the one hook that would run at the checkout. */
const leftoverFiles = ["index.lock", "shallow.lock", "HEAD.lock", "hooks/post-checkout", "config.lock"];

/** Removes what an earlier, killed job left in the repository. Rule: runner-protocol.md §3.5, step 1. */
export function removeGitLeftovers(script: ScriptWriter, request: SourcesRequest): void {
  const gitDirectory = path.posix.join(request.projectDirectory, ".git");
  script.ifDirectory(gitDirectory, () => {
    script.removeFiles(...leftoverFiles.map((file) => path.posix.join(gitDirectory, file)));
    script.removeBelow(path.posix.join(gitDirectory, "refs"), "files", ["*.lock"]);
    if (request.settings.submodules !== undefined) {
      const names = leftoverFiles.map((file) => path.posix.basename(file));
      script.removeBelow(path.posix.join(gitDirectory, "modules"), "files", names);
    }
  });
  if (request.cleansGitConfig) removeConfiguration(script, request, gitDirectory);
}

/** Configuration and hooks, through which a job could reach into later ones. */
function removeConfiguration(script: ScriptWriter, request: SourcesRequest, gitDirectory: string): void {
  const template = path.posix.join(request.temporaryDirectory, gitTemplateDirectoryName);
  for (const directory of [template, gitDirectory]) {
    script.removeFiles(`${directory}/config`);
    script.removeTrees(`${directory}/hooks`);
  }
  if (request.settings.submodules === undefined) return;
  const modules = path.posix.join(gitDirectory, "modules");
  script.removeBelow(modules, "files", ["config"]);
  script.removeBelow(modules, "directories", ["hooks"]);
}
