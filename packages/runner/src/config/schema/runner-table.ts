import { z } from "zod";
import { cacheTable } from "./cache-table.ts";
import { dockerTable } from "./docker-table.ts";
import { count, duration, httpUrl, instant, labels } from "./fields.ts";
import { monitoringTable } from "./monitoring-table.ts";

const anyTable = z.record(z.string(), z.unknown());

/** `[[runners]]` in GitLab's spelling. Rule and defaults: runner-protocol.md §6.3 and §6.5. */
export const runnerTable = z.object({
  name: z.string().optional(),
  url: httpUrl,
  token: z.string().min(1, "expected the runner's authentication token, found an empty text"),
  id: count.default(0),
  token_obtained_at: instant.optional(),
  token_expires_at: instant.optional(),
  "tls-ca-file": z.string().optional(),
  "tls-cert-file": z.string().optional(),
  "tls-key-file": z.string().optional(),
  executor: z.string().min(1),
  limit: z.number().int().default(0),
  request_concurrency: z.number().int().default(1),
  strict_check_interval: z.boolean().default(false),
  output_limit: z.number().int().default(0),
  builds_dir: z.string().optional(),
  cache_dir: z.string().optional(),
  clone_url: z.string().optional(),
  environment: z.array(z.string().regex(/^[^=]+=/, 'expected "NAME=value"')).default([]),
  shell: z.enum(["bash", "sh", "pwsh", "powershell"]).optional(),
  pre_get_sources_script: z.string().optional(),
  post_get_sources_script: z.string().optional(),
  pre_build_script: z.string().optional(),
  post_build_script: z.string().optional(),
  prepare_timeout: duration.optional(),
  get_sources_timeout: duration.optional(),
  debug_trace_disabled: z.boolean().default(false),
  safe_directory_checkout: z.boolean().optional(),
  clean_git_config: z.boolean().optional(),
  unhealthy_requests_limit: z.number().int().default(0),
  unhealthy_interval: duration.default(0),
  job_status_final_update_retry_limit: z.number().int().default(0),
  labels: labels.default({}),
  custom_build_dir: z.object({ enabled: z.boolean().optional() }).prefault({}),
  artifact: z
    .object({ upload_timeout: duration.optional(), response_header_timeout: duration.optional() })
    .prefault({}),
  monitoring: monitoringTable.prefault({}),
  feature_flags: z.record(z.string(), z.boolean()).default({}),
  cache: cacheTable.prefault({}),
  docker: dockerTable.optional(),
  custom: anyTable.optional(),
});

export type RunnerTable = z.output<typeof runnerTable>;
