/** GitLab's names for the phases of a job, also of their log sections. Rule: runner-protocol.md §2.1. */
export const stageHeadings = {
  resolve_secrets: "Resolving secrets",
  prepare_script: "Preparing environment",
  get_sources: "Getting source from Git repository",
  clear_worktree: "Deleting all tracked and untracked files due to source fetch failure",
  restore_cache: "Restoring cache",
  download_artifacts: "Downloading artifacts",
  after_script: "Running after_script",
  archive_cache: "Saving cache for successful job",
  archive_cache_on_failure: "Saving cache for failed job",
  upload_artifacts_on_success: "Uploading artifacts for successful job",
  upload_artifacts_on_failure: "Uploading artifacts for failed job",
  cleanup_file_variables: "Cleaning up project directory and file based variables",
} as const;

/** The heading of a stage that runs a step of the job's script. */
export function userStageHeading(stageName: string): string {
  return `Executing "${stageName}" stage of the job script`;
}
