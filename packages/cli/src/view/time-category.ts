/** What a span's time was spent on; the order is that of tables and legends. */
export const timeCategories = ["queue", "images", "sources", "cache", "script", "artifacts", "other"] as const;
export type TimeCategory = (typeof timeCategories)[number];

/** Span names with their category. Rule: telemetry.md §2; everything else that a job runs by itself is `script`. */
const categoryByName: Readonly<Record<string, TimeCategory>> = {
  job_pending: "queue",
  get_sources: "sources",
  clear_worktree: "sources",
  restore_cache: "cache",
  archive_cache: "cache",
  step_script: "script",
  after_script: "script",
  download_artifacts: "artifacts",
  upload_artifacts: "artifacts",
  resolve_secrets: "other",
  prepare_executor: "other",
  prepare_script: "other",
  pull_image: "images",
  start_services: "other",
  cleanup_file_variables: "other",
};

/** The category of a span directly below `job_execution`. Spans without a fixed name are CI Functions: `script`. */
export function categoryOfStage(spanName: string): TimeCategory {
  return Object.hasOwn(categoryByName, spanName) ? (categoryByName[spanName] ?? "script") : "script";
}
