import path from "node:path";
import type { SourcesRequest } from "../shell-dialect.ts";
import { gitTemplateDirectoryName } from "./git-config-files.ts";
import type { PosixScript } from "./posix-script.ts";

/** What a git process that was killed leaves in `.git`, and the one hook that would run at the checkout. */
const leftoverFiles = ["index.lock", "shallow.lock", "HEAD.lock", "hooks/post-checkout", "config.lock"];

/** Removes what an earlier, killed job left in the repository. Rule: runner-protocol.md §3.5, step 1. */
export function removeGitLeftovers(script: PosixScript, request: SourcesRequest): void {
  const gitDirectory = path.posix.join(request.projectDirectory, ".git");
  script.when(`[ -d ${script.quote(gitDirectory)} ]`, () => {
    script.command("rm", "-f", ...leftoverFiles.map((file) => path.posix.join(gitDirectory, file)));
    removeFiles(script, path.posix.join(gitDirectory, "refs"), ["*.lock"]);
    if (request.settings.submodules !== undefined) {
      removeFiles(
        script,
        path.posix.join(gitDirectory, "modules"),
        leftoverFiles.map((file) => path.posix.basename(file)),
      );
    }
  });
  if (request.cleansGitConfig) removeConfiguration(script, request, gitDirectory);
}

/** Configuration and hooks, through which a job could reach into later ones. */
function removeConfiguration(script: PosixScript, request: SourcesRequest, gitDirectory: string): void {
  const template = path.posix.join(request.temporaryDirectory, gitTemplateDirectoryName);
  const files = [template, gitDirectory].flatMap((directory) => [`${directory}/config`, `${directory}/hooks`]);
  script.command("rm", "-rf", ...files);
  if (request.settings.submodules === undefined) return;
  const modules = script.quote(path.posix.join(gitDirectory, "modules"));
  script.when(`[ -d ${modules} ]`, () => {
    script.line(`find ${modules} -type f -name config -exec rm -f {} +`);
    script.line(`find ${modules} -depth -type d -name hooks -exec rm -rf {} +`);
  });
}

function removeFiles(script: PosixScript, directory: string, names: readonly string[]): void {
  const quoted = script.quote(directory);
  const anyName = names.map((name) => `-name ${script.quote(name)}`).join(" -o ");
  script.when(`[ -d ${quoted} ]`, () => script.line(`find ${quoted} -type f \\( ${anyName} \\) -exec rm -f {} +`));
}
