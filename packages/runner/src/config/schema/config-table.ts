import { z } from "zod";
import { count, duration, labels } from "./fields.ts";
import { runnerTable } from "./runner-table.ts";
import { telemetryTable } from "./telemetry-table.ts";

/** The whole file in GitLab's spelling. Rule and defaults: runner-protocol.md §6.2. */
export const configTable = z.object({
  concurrent: z.number().int().min(1, "expected at least 1").default(1),
  check_interval: z.number().int().default(0),
  log_level: z.enum(["panic", "fatal", "error", "warning", "warn", "info", "debug"]).default("info"),
  log_format: z.enum(["runner", "text", "json"]).default("runner"),
  user: z.string().optional(),
  listen_address: z.string().optional(),
  connection_max_age: duration.default(900_000),
  shutdown_timeout: count.default(0),
  labels: labels.default({}),
  /** Accepted so that a file of GitLab's runner is taken as it is; there is no session server. */
  session_server: z.record(z.string(), z.unknown()).optional(),
  telemetry: telemetryTable.prefault({}),
  runners: z.array(runnerTable).default([]),
});

export type ConfigTable = z.output<typeof configTable>;
