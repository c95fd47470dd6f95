import type { TelemetryPolicy } from "@jobscope/job-telemetry";
import type { SpoolLimits } from "@jobscope/labkit";

/** The `[telemetry]` table: what telemetry.md §1 to §6 leave to the operator. Unknown keys are refused. */
export interface TelemetryConfig {
  /** How jobs are traced and where their spans go; each key's meaning and default stands there. */
  readonly policy: Omit<TelemetryPolicy, "hasLocalViewer">;
  /** Variables of the environment that endpoints read a secret from (`bearer_token_env`, `client_secret_env`). */
  readonly secretVariables: readonly string[];
  /**
   * `trace_url_template`: where people look at a trace, with `{trace_id}` and others to be filled in. Shown in the log of
   * each traced job. Default: none.
   */
  readonly traceUrlTemplate: string | undefined;
  /** `log_trace_id`: whether the log of a traced job names its trace. Default: when there is a template. */
  readonly logsTraceId: boolean;
  /**
   * `offline_artifact`: whether the trace of a job that has no endpoint is kept as an artifact of the job. Default: false.
   */
  readonly offlineArtifact: boolean;
  /** `flush_timeout`, ms: the one bounded flush when the process ends. Default: 5,000 (telemetry.md §4). */
  readonly flushTimeoutMs: number;
  /**
   * `spool_dir`: spans that were not accepted yet are kept there and survive a crash. Default: `.jobscope/spool` beside
   * the configuration file; `undefined`: in memory only (`none` or an empty text in the file, or no file).
   */
  readonly spoolDir: string | undefined;
  /** `spool_max_bytes`, `spool_max_age` and `spool_fsync`. */
  readonly spoolLimits: Pick<SpoolLimits, "maxBytes" | "maxAgeMs" | "fsync">;
}
