import type { SubmoduleSettings } from "./git-settings.ts";
import type { ScriptWriter } from "./script-writer.ts";
import type { SourcesRequest } from "./shell-dialect.ts";

/**
 * Initialises and updates the submodules, twice when the first time fails.
 *
 * @param externalFile the configuration with the credentials, which submodules do not see by themselves.
 *
 * Rule: runner-protocol.md §3.5.2.
 */
export function updateSubmodules(script: ScriptWriter, request: SourcesRequest, externalFile: string): void {
  const submodules = request.settings.submodules;
  if (submodules === undefined) {
    script.notice("Skipping Git submodules setup");
    return;
  }
  script.notice(updateNotice(submodules));
  const git = submoduleCommands(submodules, request.settings.cleanFlags, externalFile);
  script.command("git", "submodule", "init");
  script.command(...git.sync);
  script.command(...git.clean);
  script.command(...git.reset);
  script.ifSucceeds(
    git.update,
    { isSilent: false },
    () => {
      script.notice("Updated submodules");
      script.command(...git.sync);
    },
    () => {
      script.warning("Updating submodules failed. Retrying...");
      // With --remote, the branch named in .gitmodules need not be among what was fetched.
      if (submodules.updateFlags.some((flag) => flag.toLowerCase() === "--remote")) script.command(...git.fetchHeads);
      script.command(...git.sync);
      script.command(...git.update);
      script.command(...git.reset);
    },
  );
  script.command(...git.clean);
  script.notice("Configuring submodules to use parent git credentials...");
  script.command(...git.configure);
  if (request.settings.skipsLfs) return;
  script.ifSucceeds(["git", "lfs", "version"], { isSilent: true }, () => {
    script.notice("Pulling LFS files...");
    script.command(...git.pullLfs);
  });
}

function updateNotice(submodules: SubmoduleSettings): string {
  const how = submodules.isRecursive ? " recursively" : "";
  const depth = submodules.depth > 0 ? ` with git depth set to ${submodules.depth}` : "";
  return `Updating/initializing submodules${how}${depth}...`;
}

function submoduleCommands(submodules: SubmoduleSettings, cleanFlags: readonly string[], externalFile: string) {
  const recursive = submodules.isRecursive ? ["--recursive"] : [];
  const paths = submodules.paths.length > 0 ? ["--", ...submodules.paths] : [];
  const depth = submodules.depth > 0 ? ["--depth", String(submodules.depth)] : [];
  const gitWithCredentials = ["git", "-c", `include.path=${externalFile}`];
  const each = ["submodule", "foreach", ...recursive];
  return {
    sync: ["git", "submodule", "sync", ...recursive, ...paths],
    clean: ["git", ...each, "git", "clean", ...(cleanFlags.length > 0 ? cleanFlags : ["-ffdx"])],
    reset: ["git", ...each, "git", "reset", "--hard"],
    update: [
      ...[...gitWithCredentials, "submodule", "update", "--init", ...recursive],
      ...[...depth, ...submodules.updateFlags, ...paths],
    ],
    fetchHeads: [...gitWithCredentials, ...each, "git", "fetch", "origin", "+refs/heads/*:refs/remotes/origin/*"],
    configure: [
      ...["git", "submodule", "foreach", "--recursive"],
      ...["git", "config", "--replace-all", "include.path", externalFile],
    ],
    pullLfs: [...gitWithCredentials, ...each, "git", "lfs", "pull"],
  };
}
