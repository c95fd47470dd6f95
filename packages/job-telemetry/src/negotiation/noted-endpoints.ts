import type { EndpointSpec } from "@jobscope/labkit";
import type { TelemetryPolicy } from "../policy.ts";
import { keepAllowedHosts } from "./allowed-hosts.ts";
import type { NegotiationWarning } from "./negotiation.ts";
import { readPayloadEndpoints } from "./payload-endpoints.ts";

/**
 * How to ask for an endpoint of a payload again when a job's process did not live to send all its spans: the endpoint as
 * the payload had it, since everything else is the operator's and may be another then. Undefined for one of the
 * operator's own, which is asked for anyway, and for one with credentials that no payload can name.
 *
 * @param spec of the result of `negotiate`.
 */
export function noteOfEndpoint(
  spec: EndpointSpec,
  { staticEndpoints }: Pick<TelemetryPolicy, "staticEndpoints">,
): string | undefined {
  if (staticEndpoints.includes(spec)) return undefined;
  const { url, auth } = spec;
  if (auth === undefined) return JSON.stringify({ url });
  if (auth.kind !== "gcp-oidc" || auth.serviceAccount !== undefined) return undefined;
  const type = "http_bearer_gcp_oidc";
  return JSON.stringify({ url, auth: { type, [type]: { audience: auth.audience } } });
}

/**
 * The endpoints of notes that an earlier process left, as far as the operator allows them today.
 *
 * Rule: telemetry.md §4, "Nothing lost".
 */
export function notedEndpoints(
  notes: readonly string[],
  policy: TelemetryPolicy,
): { endpoints: EndpointSpec[]; warnings: NegotiationWarning[] } {
  if (policy.mode === "off" || policy.endpointPolicy === "static-only") return { endpoints: [], warnings: [] };
  const read = notes.map((note) => readPayloadEndpoints([parse(note)]));
  const allowed = keepAllowedHosts(
    read.flatMap(({ endpoints }) => endpoints),
    policy,
  );
  return {
    endpoints: allowed.endpoints.map((spec) => ({ ...spec, ...policy.payloadEndpoints.settingsFor(spec.url) })),
    warnings: [...read.flatMap(({ warnings }) => warnings), ...allowed.warnings],
  };
}

function parse(note: string): unknown {
  try {
    return JSON.parse(note);
  } catch {
    return undefined; // Torn by the crash; refused like anything that is no endpoint.
  }
}
