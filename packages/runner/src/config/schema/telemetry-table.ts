import { z } from "zod";
import { bytes, duration } from "./fields.ts";
import { telemetryEndpointTable, transportKeys } from "./telemetry-endpoint-table.ts";

/** `otel.example.com`, `otel.example.com:4317`, `[::1]:4317`, `*.example.com`, `*`. */
const hostPattern = /^(?:\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::\d{1,5})?|\[[0-9a-f:.]+\](?::\d{1,5})?)$/i;
const traceUrlPlaceholders = ["trace_id", "span_id", "job_id", "pipeline_id", "project_id"];

/**
 * `[telemetry]`. Rule: telemetry.md §1 to §6. The descriptions are the reference of docs/telemetry-setup.md, which
 * `node scripts/write-telemetry-reference.ts` makes of them.
 */
export const telemetryTable = z.object({
  mode: z
    .enum(["negotiated", "always", "off"])
    .default("negotiated")
    .describe("`negotiated`: jobs whose payload asks for it; `always`: every job; `off`: none"),
  endpoint_policy: z
    .enum(["fallback", "add", "static-only"])
    .default("fallback")
    .describe(
      "the endpoints of this file are used when the payload brings none (`fallback`), beside the payload's (`add`), or alone (`static-only`)",
    ),
  semconv: z
    .enum(["both", "gitlab", "otel"])
    .default("both")
    .describe("attribute names of the job's span: GitLab's, OpenTelemetry's, or both"),
  service_name: z.string().min(1).default("gitlab-ci-runner").describe("`service.name` of the resource"),
  max_spans_per_job: z
    .number()
    .int()
    .min(1)
    .default(1000)
    .describe("command and section spans are given up first, those of stages and of the job never"),
  command_spans: z.boolean().default(false).describe("one span per script line"),
  section_spans: z.boolean().default(true).describe("one span per collapsible section of the job log"),
  trace_url_template: z
    .string()
    .refine(isTraceUrl, {
      error: `expected an http or https URL with some of ${traceUrlPlaceholders.map((name) => `{${name}}`).join(", ")}`,
    })
    .optional()
    .describe(
      `where people look at a trace, e.g. \`https://jaeger.example.com/trace/{trace_id}\`; shown in the job log. ` +
        `May hold ${traceUrlPlaceholders.map((name) => `\`{${name}}\``).join(", ")}`,
    ),
  log_trace_id: z
    .boolean()
    .default(false)
    .describe(
      "show a traced job's trace id in its log also without `trace_url_template`; else the log is left as it is",
    ),
  offline_artifact: z
    .boolean()
    .default(false)
    .describe(
      "keep the trace of a job that has no endpoint with the job's artifacts, as OTLP JSON (`metrics_referee`, gzipped)",
    ),
  flush_timeout: duration.default(5000).describe("bound of the one flush when the process ends"),
  max_queued_spans: z.number().int().min(1).default(20_000).describe("spans waiting in memory for one endpoint"),
  max_queued_bytes: bytes.default(16 * 2 ** 20).describe("their estimated size"),
  spool_dir: z
    .string()
    .optional()
    .describe(
      'where unsent spans survive a crash; `"none"` (or empty): in memory only. Default: `.jobscope/spool` beside the file',
    ),
  spool_max_bytes: bytes.default(256 * 2 ** 20).describe("on disk for one endpoint; the oldest go first"),
  spool_max_age: duration.default(72 * 3_600_000).describe("what could not be delivered for so long is given up"),
  spool_fsync: z
    .enum(["never", "always"])
    .default("never")
    .describe("`always`: spans survive a power failure too, at the price of one `fdatasync` per write"),
  payload_endpoints: z
    .object({
      allowed_hosts: z
        .array(z.string().regex(hostPattern, 'expected a host such as "otel.example.com", "*.example.com:4317" or "*"'))
        .optional()
        .describe(
          "hosts that a payload may name: `otel.example.com`, `otel.example.com:4317`, `*.example.com`, `*`. " +
            "Default: any, but no host gets a token of this runner unless an endpoint of this file has it",
        ),
      ...transportKeys,
    })
    .prefault({}),
  endpoints: z.array(telemetryEndpointTable).max(8, "expected at most 8 endpoints").default([]),
});

export type TelemetryTable = z.output<typeof telemetryTable>;

function isTraceUrl(template: string): boolean {
  const names = [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name = ""]) => name);
  const isKnown = names.length > 0 && names.every((name) => traceUrlPlaceholders.includes(name));
  return isKnown && /^https?:\/\//i.test(template) && URL.canParse(template.replaceAll(/\{[^{}]*\}/g, "0"));
}
