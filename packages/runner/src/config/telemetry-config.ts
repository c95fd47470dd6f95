/** How one static endpoint is told who sends. Secrets come from the file itself, an environment variable or a file. */
export interface TelemetryEndpointAuth {
  /** `headers`: plain request headers, e.g. `{ "x-api-key" = "…" }`; `$VAR` is expanded. A secret. */
  readonly headers: Readonly<Record<string, string>>;
  /** `bearer_token`, with `$VAR` expanded. A secret. */
  readonly bearerToken: string | undefined;
  /** `bearer_token_file`: read again whenever it changes. Absolute. */
  readonly bearerTokenFile: string | undefined;
}

/** One `[[telemetry.endpoints]]` entry. */
export interface StaticTelemetryEndpoint {
  /** `url`: `http`, `https` (OTLP/HTTP protobuf), `grpc`, `grpcs` (OTLP/gRPC); `$VAR` is expanded. */
  readonly url: string;
  readonly auth: TelemetryEndpointAuth;
}

/** The `[telemetry]` table: what telemetry.md §1 to §6 leave to the operator. Unknown keys are refused. */
export interface TelemetryConfig {
  /** `mode`: `negotiated` (default) traces what the coordinator asks for, `always` every job, `off` none. */
  readonly mode: "negotiated" | "always" | "off";
  /** `endpoint_policy`: static endpoints are used when the payload has none (`fallback`, default), beside the payload's (`add`), or alone (`static-only`). */
  readonly endpointPolicy: "fallback" | "add" | "static-only";
  /** `semconv`: GitLab's attribute names, OpenTelemetry's, or `both` (default). */
  readonly semconv: "both" | "gitlab" | "otel";
  /** `service_name` of the resource. Default: `gitlab-ci-runner`. */
  readonly serviceName: string;
  /** `max_spans_per_job`. Default: 1,000 (telemetry.md §4). */
  readonly maxSpansPerJob: number;
  /** `command_spans`: one span per script line. Default: false. */
  readonly commandSpans: boolean;
  /** `section_spans`: one span per collapsible section the job log opens. Default: true. */
  readonly sectionSpans: boolean;
  /** `flush_timeout`, ms: the one bounded flush at shutdown. Default: 5,000. */
  readonly flushTimeoutMs: number;
  /** `allow_insecure_auth`: send credentials over plain `http`/`grpc` beyond loopback. Default: false. */
  readonly allowInsecureAuth: boolean;
  /** `[[telemetry.endpoints]]`, at most eight. */
  readonly endpoints: readonly StaticTelemetryEndpoint[];
}
