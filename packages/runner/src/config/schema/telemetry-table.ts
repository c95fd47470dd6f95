import { z } from "zod";
import { duration } from "./fields.ts";

/** `[[telemetry.endpoints]]`. Strings may hold `$VAR`. Meanings and defaults: labkit's `EndpointSpec`. */
export const telemetryEndpointTable = z
  .object({
    /** `http`, `https` (OTLP/HTTP protobuf), `grpc`, `grpcs` (OTLP/gRPC). */
    url: z.string().min(1),
    /** A fixed bearer token. At most one of the `bearer_*` keys and `headers` may be set. */
    bearer_token: z.string().min(1).optional(),
    /** Read again whenever it changes. */
    bearer_token_file: z.string().min(1).optional(),
    /** Name of an environment variable. */
    bearer_token_env: z.string().min(1).optional(),
    /** Secret request headers, e.g. `{ "x-api-key" = "$KEY" }`. */
    headers: z.record(z.string(), z.string()).optional(),
    /** Default: `gzip`, but `none` to loopback. */
    compression: z.enum(["gzip", "none"]).optional(),
    /** For one request. Default: 10 s. */
    timeout: duration.optional(),
    tls_ca_file: z.string().optional(),
    tls_cert_file: z.string().optional(),
    tls_key_file: z.string().optional(),
    /** Send credentials over plain `http`/`grpc` beyond loopback. Default: false. */
    allow_insecure_auth: z.boolean().default(false),
  })
  .refine(
    (table) =>
      [table.bearer_token, table.bearer_token_file, table.bearer_token_env, table.headers].filter(
        (one) => one !== undefined,
      ).length <= 1,
    { error: "expected at most one of bearer_token, bearer_token_file, bearer_token_env and headers" },
  );

export type TelemetryEndpointTable = z.output<typeof telemetryEndpointTable>;

/** `[telemetry]`. Rule: telemetry.md §1 to §6. Meanings: job-telemetry's `TelemetryPolicy`. */
export const telemetryTable = z.object({
  /** `negotiated`: jobs whose payload asks for it; `always`: every job; `off`: none. */
  mode: z.enum(["negotiated", "always", "off"]).default("negotiated"),
  /** Static endpoints: when the payload brings none (`fallback`), beside the payload's (`add`), or alone (`static-only`). */
  endpoint_policy: z.enum(["fallback", "add", "static-only"]).default("fallback"),
  /** Attribute names of `job_execution`: GitLab's, OpenTelemetry's, or both. */
  semconv: z.enum(["both", "gitlab", "otel"]).default("both"),
  /** `service.name` of the resource. */
  service_name: z.string().min(1).default("gitlab-ci-runner"),
  /** Spans a job may emit; stage spans and `job_execution` are never given up. */
  max_spans_per_job: z.number().int().min(1).default(1000),
  /** One span per script line. */
  command_spans: z.boolean().default(false),
  /** One span per collapsible section of the job log. */
  section_spans: z.boolean().default(true),
  /** Bound of the one flush when the process ends. */
  flush_timeout: duration.default(5000),
  /** Where unsent spans survive a crash. Default: `.jobscope/spool` beside the file; empty: in memory only. */
  spool_dir: z.string().optional(),
  endpoints: z.array(telemetryEndpointTable).max(8, "expected at most 8 endpoints").default([]),
});

export type TelemetryTable = z.output<typeof telemetryTable>;
