import type { EndpointSpec } from "@jobscope/labkit";
import type { TelemetryPolicy } from "../policy.ts";
import type { NegotiationWarning } from "./negotiation.ts";

/**
 * Keeps the payload's endpoints whose hosts the operator allows. An endpoint that asks for the runner's token needs to be
 * allowed by name; see `PayloadEndpointPolicy.allowedHosts`.
 *
 * Rule: telemetry.md §1.
 */
export function keepAllowedHosts(
  endpoints: readonly EndpointSpec[],
  { payloadEndpoints: { allowedHosts }, staticEndpoints }: TelemetryPolicy,
): { endpoints: EndpointSpec[]; warnings: NegotiationWarning[] } {
  const ownHosts = staticEndpoints.map(({ url }) => URL.parse(url)?.hostname.toLowerCase());
  const warnings: NegotiationWarning[] = [];
  const kept = endpoints.filter((endpoint) => {
    const url = new URL(endpoint.url); // Was parsed before.
    const isOwn = ownHosts.includes(url.hostname.toLowerCase());
    const isAllowed = allowedHosts === undefined ? endpoint.auth === undefined : isHostAmong(url, allowedHosts);
    if (isOwn || isAllowed) return true;
    warnings.push({ message: refusal(allowedHosts), fields: { host: url.host } });
    return false;
  });
  return { endpoints: kept, warnings };
}

function refusal(allowedHosts: readonly string[] | undefined): string {
  const why =
    allowedHosts === undefined ? "it asks for a token, and no host is allowed to get one" : "its host is not allowed";
  return `an endpoint of the payload is not used: ${why}; telemetry.payload_endpoints.allowed_hosts allows hosts`;
}

/**
 * Whether a host is on a list. Entries: `otel.example.com` (any port), `otel.example.com:4317`, `[::1]:4317`,
 * `*.example.com` (any depth below), `*`; in any letter case.
 */
function isHostAmong(url: URL, entries: readonly string[]): boolean {
  const [host, hostname] = [url.host.toLowerCase(), url.hostname.toLowerCase()];
  return entries.some((entry) => {
    const wanted = entry.toLowerCase();
    if (wanted === "*" || wanted === hostname || wanted === host) return true;
    const suffix = wanted.startsWith("*.") ? wanted.slice(1) : undefined;
    return suffix !== undefined && (hostname.endsWith(suffix) || host.endsWith(suffix));
  });
}
