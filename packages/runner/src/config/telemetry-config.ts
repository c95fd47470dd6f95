import type { TelemetryPolicy } from "@jobscope/job-telemetry";

/** The `[telemetry]` table: what telemetry.md §1 to §6 leave to the operator. Unknown keys are refused. */
export interface TelemetryConfig {
  /** How jobs are traced and where their spans go; each key's meaning and default stands there. */
  readonly policy: Omit<TelemetryPolicy, "hasLocalViewer">;
  /** `flush_timeout`, ms: the one bounded flush when the process ends. Default: 5,000 (telemetry.md §4). */
  readonly flushTimeoutMs: number;
  /**
   * `spool_dir`: spans that were not accepted yet are kept there and survive a crash. Default: `.jobscope/spool` beside
   * the configuration file; `undefined`: in memory only (an empty text in the file, or no file).
   */
  readonly spoolDir: string | undefined;
}
