import type { EndpointSpec } from "@jobscope/labkit";
import type { TelemetryPolicy } from "../policy.ts";
import { keepAllowedHosts } from "./allowed-hosts.ts";
import type { Negotiation, NegotiationWarning, UntracedNegotiation } from "./negotiation.ts";
import { isSameEndpoint, readPayloadEndpoints } from "./payload-endpoints.ts";
import { readForcedContext, readWireOffer, type WireOffer } from "./wire-offer.ts";

/**
 * Decides whether a job is traced, in which trace, and where its spans go. Pure; never throws, whatever the payload is.
 *
 * @param payload the answer to the job request as it was parsed from JSON, nothing checked.
 *
 * Rule: telemetry.md §1.
 */
export function negotiate(payload: unknown, policy: TelemetryPolicy): Negotiation {
  if (policy.mode === "off") return untraced("telemetry is off in the runner's configuration");
  try {
    return agree(payload, policy);
  } catch {
    // A value that fights back when it is read (a getter, a proxy) did not come from JSON; the job must run all the same.
    return untraced("the payload cannot be read", { warn: true });
  }
}

function agree(payload: unknown, policy: TelemetryPolicy): Negotiation {
  const offer = readOffer(payload, policy.mode);
  if (offer.context === undefined) {
    const warn = offer.warnings.length > 0;
    const why = warn ? "the payload's telemetry is malformed" : "the payload does not ask for telemetry";
    return untraced(why, { warn, warnings: offer.warnings });
  }
  const { endpoints, warnings: endpointWarnings } = chooseEndpoints(offer.endpoints, policy);
  const warnings = [...offer.warnings, ...endpointWarnings];
  if (endpoints.length === 0 && !policy.hasLocalViewer) {
    // GitLab may well say "trace it" and name no endpoint; when none can be used, or the runner should have one, warn.
    const mayLackEndpoints = offer.context.form === "features.tracing" && policy.endpointPolicy !== "static-only";
    return untraced("there is no endpoint to send spans to", {
      warn: !mayLackEndpoints || warnings.length > 0,
      warnings,
    });
  }
  return { kind: "traced", ...offer.context, endpoints, warnings };
}

function readOffer(payload: unknown, mode: TelemetryPolicy["mode"]): WireOffer {
  const offer = readWireOffer(payload);
  if (offer.context !== undefined || mode !== "always") return offer;
  const forced = readForcedContext(payload);
  return { ...forced, warnings: [...offer.warnings, ...forced.warnings] };
}

function chooseEndpoints(
  offered: unknown,
  policy: TelemetryPolicy,
): { endpoints: EndpointSpec[]; warnings: NegotiationWarning[] } {
  if (policy.endpointPolicy === "static-only") return { endpoints: [...policy.staticEndpoints], warnings: [] };
  const read = readPayloadEndpoints(offered);
  const allowed = keepAllowedHosts(read.endpoints, policy);
  const warnings = [...read.warnings, ...allowed.warnings];
  const endpoints = allowed.endpoints.map((spec) => ({ ...spec, ...policy.payloadEndpoints.settingsFor(spec.url) }));
  if (policy.endpointPolicy === "fallback" && endpoints.length > 0) return { endpoints, warnings };
  const added = policy.staticEndpoints.filter((own) => !endpoints.some((known) => isSameEndpoint(known, own)));
  return { endpoints: [...endpoints, ...added], warnings };
}

function untraced(
  why: string,
  more: { warn?: boolean; warnings?: readonly NegotiationWarning[] } = {},
): UntracedNegotiation {
  return { kind: "untraced", why, warn: more.warn ?? false, warnings: more.warnings ?? [] };
}
