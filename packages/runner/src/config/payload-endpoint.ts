import { negotiate } from "@jobscope/job-telemetry";
import type { EndpointSpec } from "@jobscope/labkit";
import type { TelemetryConfig } from "./telemetry-config.ts";

/** What becomes of an endpoint that a payload names. `why`: sentences as they stand in the runner log. */
export type PayloadEndpoint =
  | { readonly kind: "used"; readonly spec: EndpointSpec }
  | { readonly kind: "left-out"; readonly why: string };

/**
 * Judges a URL as though a payload named it, with a Google ID token for `audience` where there is one: for trying out
 * `payload_endpoints` without a coordinator.
 */
export function payloadEndpoint(
  { policy }: TelemetryConfig,
  { url, audience }: { readonly url: string; readonly audience: string | undefined },
): PayloadEndpoint {
  const type = "http_bearer_gcp_oidc";
  const entry = { url, ...(audience === undefined ? {} : { auth: { type, [type]: { audience } } }) };
  const payload = { features: { tracing: { trace_id: "1".padStart(32, "0"), otel_endpoints: [entry] } } };
  const result = negotiate(payload, {
    ...policy,
    mode: "negotiated",
    endpointPolicy: "fallback",
    hasLocalViewer: true,
  });
  const [spec] = result.kind === "traced" ? result.endpoints : [];
  const refusals = result.warnings.filter(({ message }) => message.includes("is not used"));
  if (spec !== undefined && refusals.length === 0) return { kind: "used", spec };
  const said = refusals.map(
    ({ message, fields }) =>
      `${message} (${Object.entries(fields)
        .map(([name, value]) => `${name}: ${value}`)
        .join(", ")})`,
  );
  return { kind: "left-out", why: said.join("; ") };
}
