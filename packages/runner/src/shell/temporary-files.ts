/** Names of files in `<project dir>.tmp`. Rule: runner-protocol.md §3.2 "File variables". */

/** Through it a step hands variables to later stages: the `GITLAB_ENV` file. */
export const gitlabEnvFileName = "gitlab_runner_env";
/** Stands in for git's global configuration with `FF_GIT_URLS_WITHOUT_TOKENS`. */
export const gitGlobalConfigFileName = ".glr.gconf";
/** Holds what git needs of credentials, outside the project directory. */
export const externalGitConfigFileName = ".gitlab-runner.ext.conf";
/** Template directory of `git init`. */
export const gitTemplateDirectoryName = "git-template";
