import type { EndpointSpec } from "@jobscope/labkit";

/** What the operator of a runner decided about telemetry; the runner makes it of the `[telemetry]` table. */
export interface TelemetryPolicy {
  /**
   * `negotiated`: trace the jobs whose payload asks for it. `always`: trace every job. `off`: trace none, whatever a
   * payload says. Default `negotiated`. Rule: telemetry.md §1.
   */
  readonly mode: "negotiated" | "always" | "off";
  /**
   * What the static endpoints are for. `fallback`: used when the payload brings none that can be used. `add`: used
   * beside the payload's. `static-only`: used instead of the payload's. Default `fallback`. Rule: telemetry.md §1.
   */
  readonly endpointPolicy: "fallback" | "add" | "static-only";
  /** Endpoints of the runner's own configuration, at most 8 (checked where the configuration is read). */
  readonly staticEndpoints: readonly EndpointSpec[];
  readonly payloadEndpoints: PayloadEndpointPolicy;
  /**
   * True when somebody in this process looks at the spans (a terminal view), so that a job is traced although no
   * endpoint would get them. Default false: without an endpoint there is no telemetry.
   */
  readonly hasLocalViewer: boolean;
  /** `service.name` of the resource. Default `gitlab-ci-runner`; GitLab's shipped runner says `runner`. */
  readonly serviceName: string;
  /**
   * Which vocabulary `job_execution` carries: GitLab's `ci.*`, OpenTelemetry's `cicd.*` and `vcs.*`, or both. With
   * `otel`, the `ci.*` attributes that have a counterpart are left out; ids stay on every span, since whoever filters
   * needs them. Default `both`. Rule: telemetry.md §2.
   */
  readonly semconv: "both" | "gitlab" | "otel";
  /** Spans a job may emit. Default 1,000, GitLab's limit. Stage spans and `job_execution` are never given up. */
  readonly maxSpansPerJob: number;
  /** One span per script line. Default false: it is opt-in. */
  readonly commandSpans: boolean;
  /** One span per collapsible section that the job's own log opens. Default true. */
  readonly sectionSpans: boolean;
}

/** Which of the endpoints that payloads name are used, and how. */
export interface PayloadEndpointPolicy {
  /**
   * Hosts that may be named: `otel.example.com`, `otel.example.com:4317`, `*.example.com` (below it, not itself), `*`.
   * Those of the static endpoints may be named as well. Undefined (default): any host, but for an endpoint with `auth`
   * only those of the static endpoints, so that a coordinator that was taken over cannot send the runner's tokens to a
   * host of its own. Rule: telemetry.md §1.
   */
  readonly allowedHosts: readonly string[] | undefined;
  /** Settings of connections to `url`: authorities, a proxy, a timeout. Default: none. Pure. */
  readonly settingsFor: (url: string) => Omit<EndpointSpec, "url" | "auth">;
}

/** The policy of a runner whose configuration says nothing about telemetry. */
export const defaultTelemetryPolicy: TelemetryPolicy = Object.freeze({
  mode: "negotiated",
  endpointPolicy: "fallback",
  staticEndpoints: Object.freeze([]),
  payloadEndpoints: Object.freeze({ allowedHosts: undefined, settingsFor: () => ({}) }),
  hasLocalViewer: false,
  serviceName: "gitlab-ci-runner",
  semconv: "both",
  maxSpansPerJob: 1000,
  commandSpans: false,
  sectionSpans: true,
});
