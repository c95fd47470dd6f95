import type { EndpointSpec } from "@jobscope/labkit";
import { ownField } from "../payload-field.ts";
import type { NegotiationWarning } from "./negotiation.ts";
import { malformed, nameOrShape, shapeOf } from "./shape.ts";

/** GitLab sends at most two. Source: telemetry.md §1. */
const maxPayloadEndpoints = 2;
/** So many entries are looked at in search of those two: an array of a million costs nothing. */
const maxEntriesRead = 16;
const maxTextLength = 2048;
const notUsed = "an endpoint of the payload is not used";

/** `https://collector:4318/v1/traces`; no white space, no backslash (a second slash to some parsers), nothing but ASCII. */
const urlPattern = /^([a-z]+):\/\/([^/?#\\]+)(\/[^?#\\]*)?(\?[^#\\]*)?(#.*)?$/i;
const printableAscii = /^[\x21-\x7e]+$/;

type Reading = { readonly endpoint: EndpointSpec } | { readonly refusal: NegotiationWarning };

/**
 * Reads `features.tracing.otel_endpoints`: the first two entries that can be used, and a warning for each that cannot.
 *
 * An entry is `{ url, auth? }` or, an early form, the bare URL. User info, query and fragment of a URL are dropped, as
 * GitLab's runner does. An `auth` that is not understood disables its endpoint: nothing is ever sent without it instead.
 *
 * Rule: telemetry.md §1, runner-protocol.md §7.1.
 */
export function readPayloadEndpoints(value: unknown): { endpoints: EndpointSpec[]; warnings: NegotiationWarning[] } {
  const where = "features.tracing.otel_endpoints";
  if (value === undefined || value === null) return { endpoints: [], warnings: [] };
  if (!Array.isArray(value)) {
    const warning = malformed("the endpoints of the payload are malformed", {
      where,
      expected: "an array",
      found: shapeOf(value),
    });
    return { endpoints: [], warnings: [warning] };
  }
  const endpoints: EndpointSpec[] = [];
  const warnings: NegotiationWarning[] = [];
  for (const [index, entry] of value.slice(0, maxEntriesRead).entries()) {
    if (endpoints.length === maxPayloadEndpoints) break;
    const reading = readEntry(entry, `${where}[${index}]`, warnings);
    if ("refusal" in reading) warnings.push(reading.refusal);
    else if (!endpoints.some((known) => isSameEndpoint(known, reading.endpoint))) endpoints.push(reading.endpoint);
  }
  if (value.length > maxPayloadEndpoints) {
    const fields = { found: value.length, honoured: maxPayloadEndpoints };
    warnings.push({ message: "the payload has more endpoints than are honoured", fields });
  }
  return { endpoints, warnings };
}

/** Whether both name one place with one kind of credentials, so that sending to both would send twice. */
export function isSameEndpoint(one: EndpointSpec, other: EndpointSpec): boolean {
  return one.url === other.url && JSON.stringify(one.auth) === JSON.stringify(other.auth);
}

function readEntry(entry: unknown, where: string, warnings: NegotiationWarning[]): Reading {
  if (typeof entry === "string") return readUrl(entry, where, warnings);
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    return refuse(where, "an object with a url, or a URL", shapeOf(entry));
  }
  const reading = readUrl(ownField(entry, "url"), `${where}.url`, warnings);
  return "refusal" in reading ? reading : addAuth(reading.endpoint, ownField(entry, "auth"), `${where}.auth`);
}

function readUrl(text: unknown, where: string, warnings: NegotiationWarning[]): Reading {
  const expected = "an http, https, grpc or grpcs URL";
  if (typeof text !== "string" || text.length > maxTextLength) return refuse(where, expected, shapeOf(text));
  const match = printableAscii.test(text) ? urlPattern.exec(text) : null;
  const url = match === null ? null : URL.parse(text);
  if (match === null || url === null || url.hostname === "") return refuse(where, expected, shapeOf(text));
  if (!/^(https?|grpcs?):$/.test(url.protocol)) return refuse(where, expected, `scheme ${nameOrShape(match[1])}`);
  const [, , authority = "", path = "", query, fragment] = match;
  const dropped = [authority.includes("@") && "user info", query && "query", fragment && "fragment"].filter(Boolean);
  if (dropped.length > 0) {
    warnings.push({
      message: "parts of an endpoint's URL are not sent",
      fields: { where, dropped: dropped.join(", ") },
    });
  }
  return { endpoint: { url: `${url.protocol}//${url.host}${path}` } };
}

function addAuth(endpoint: EndpointSpec, auth: unknown, where: string): Reading {
  if (auth === undefined || auth === null) return { endpoint };
  const type = ownField(auth, "type");
  if (type !== "http_bearer_gcp_oidc") {
    return refuse(
      `${where}.type`,
      '"http_bearer_gcp_oidc"',
      typeof auth === "object" ? nameOrShape(type) : shapeOf(auth),
    );
  }
  const audience = ownField(ownField(auth, type), "audience");
  if (typeof audience !== "string" || audience === "" || audience.length > maxTextLength) {
    return refuse(`${where}.${type}.audience`, "a string", shapeOf(audience));
  }
  return { endpoint: { ...endpoint, auth: { kind: "gcp-oidc", audience } } };
}

function refuse(where: string, expected: string, found: string): Reading {
  return { refusal: malformed(notUsed, { where, expected, found }) };
}
