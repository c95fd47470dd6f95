import type { SubmoduleSettings } from "../git-settings.ts";
import type { SourcesRequest } from "../shell-dialect.ts";
import type { PosixScript } from "./posix-script.ts";

/** Initialises and updates the submodules, twice when the first time fails. Rule: runner-protocol.md §3.5.2. */
export function updateSubmodules(script: PosixScript, request: SourcesRequest): void {
  const submodules = request.settings.submodules;
  if (submodules === undefined) {
    script.notice("Skipping Git submodules setup");
    return;
  }
  script.notice(updateNotice(submodules));
  const git = submoduleCommands(script, submodules, request.settings.cleanFlags);
  script.command("git", "submodule", "init");
  script.line(git.sync);
  script.line(git.clean);
  script.line(git.reset);
  script.when(
    git.update,
    () => {
      script.notice("Updated submodules");
      script.line(git.sync);
    },
    () => {
      script.warning("Updating submodules failed. Retrying...");
      // With --remote, the branch named in .gitmodules need not be among what was fetched.
      if (submodules.updateFlags.some((flag) => flag.toLowerCase() === "--remote")) script.line(git.fetchHeads);
      script.line(git.sync);
      script.line(git.update);
      script.line(git.reset);
    },
  );
  script.line(git.clean);
  script.notice("Configuring submodules to use parent git credentials...");
  script.line(git.configure);
  if (request.settings.skipsLfs) return;
  script.when("git lfs version >/dev/null 2>&1", () => {
    script.notice("Pulling LFS files...");
    script.line(git.pullLfs);
  });
}

function updateNotice(submodules: SubmoduleSettings): string {
  const how = submodules.isRecursive ? " recursively" : "";
  const depth = submodules.depth > 0 ? ` with git depth set to ${submodules.depth}` : "";
  return `Updating/initializing submodules${how}${depth}...`;
}

/** The commands, each as shell text. Some need the parent's credentials, which submodules do not see by themselves. */
function submoduleCommands(script: PosixScript, submodules: SubmoduleSettings, cleanFlags: readonly string[]) {
  const recursive = submodules.isRecursive ? ["--recursive"] : [];
  const paths = submodules.paths.length > 0 ? ["--", ...submodules.paths] : [];
  const depth = submodules.depth > 0 ? ["--depth", String(submodules.depth)] : [];
  const withCredentials = 'git -c include.path="$GLR_EXT_GIT_CONFIG_PATH"';
  const each = ["submodule", "foreach", ...recursive];
  const plain = (words: readonly string[]) => `git ${script.words(words)}`;
  return {
    sync: plain(["submodule", "sync", ...recursive, ...paths]),
    clean: plain([...each, "git", "clean", ...(cleanFlags.length > 0 ? cleanFlags : ["-ffdx"])]),
    reset: plain([...each, "git", "reset", "--hard"]),
    update: `${withCredentials} ${script.words(["submodule", "update", "--init", ...recursive, ...depth, ...submodules.updateFlags, ...paths])}`,
    fetchHeads: `${withCredentials} ${script.words([...each, "git", "fetch", "origin", "+refs/heads/*:refs/remotes/origin/*"])}`,
    configure: `git submodule foreach --recursive git config --replace-all include.path "$GLR_EXT_GIT_CONFIG_PATH"`,
    pullLfs: `${withCredentials} ${script.words([...each, "git", "lfs", "pull"])}`,
  };
}
