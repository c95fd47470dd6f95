import { isLoopback } from "../auth/loopback.ts";
import type { EndpointSpec, ParsedEndpoint } from "./endpoint-spec.ts";

/** What a spec amounts to. `why` is a sentence for a log, without secrets. */
export type EndpointCheck =
  | { readonly kind: "usable"; readonly endpoint: ParsedEndpoint }
  | { readonly kind: "unusable"; readonly why: string };

/** Thrown by `EndpointPool.endpoint` for a spec that `checkEndpointSpec` calls unusable. */
export class EndpointSpecError extends Error {
  override readonly name = "EndpointSpecError";
  readonly code = "unusable_endpoint";
}

const schemes: Readonly<Record<string, { protocol: "http" | "grpc"; urlScheme: "http:" | "https:"; port: string }>> = {
  "http:": { protocol: "http", urlScheme: "http:", port: "80" },
  "https:": { protocol: "http", urlScheme: "https:", port: "443" },
  // Ports of gRPC URLs without one: as GitLab's runner has it from its gRPC library, those of the scheme's security.
  "grpc:": { protocol: "grpc", urlScheme: "http:", port: "80" },
  "grpcs:": { protocol: "grpc", urlScheme: "https:", port: "443" },
};

/** Judges a spec without any effect. Rules: telemetry.md §1 (schemes, paths) and §6 (credentials need TLS or loopback). */
export function checkEndpointSpec(spec: EndpointSpec): EndpointCheck {
  const given = URL.parse(spec.url.trim());
  if (given === null) return unusable(`"${withoutSecrets(spec.url)}" is not a URL`);
  const scheme = schemes[given.protocol];
  if (scheme === undefined) {
    return unusable(`the scheme of "${withoutSecrets(spec.url)}" is not one of http, https, grpc, grpcs`);
  }
  if (given.hostname === "") return unusable(`"${withoutSecrets(spec.url)}" names no host`);
  const endpoint = normalise(given, scheme);
  const badHeader = Object.entries(spec.headers ?? {}).find(([name, value]) => !isHeader(name, value));
  if (badHeader !== undefined) return unusable(`"${badHeader[0]}" for ${endpoint.name} is not a valid header field`);
  if (spec.timeoutMs !== undefined && !(spec.timeoutMs > 0)) {
    return unusable(`the timeout of ${endpoint.name} is ${spec.timeoutMs} ms; it must be above 0`);
  }
  const badBound = Object.entries(spec.queue ?? {}).find(([, bound]) => !(bound >= 1));
  if (badBound !== undefined) {
    return unusable(`the queue's ${badBound[0]} of ${endpoint.name} is ${badBound[1]}; it must be at least 1`);
  }
  if ((spec.tls?.certFile === undefined) !== (spec.tls?.keyFile === undefined)) {
    return unusable(`the client certificate and its key need each other; ${endpoint.name} has one of them`);
  }
  if (spec.proxyUrl !== undefined && !isProxyUrl(spec.proxyUrl)) {
    return unusable(`the proxy "${withoutSecrets(spec.proxyUrl)}" of ${endpoint.name} is not an http:// URL`);
  }
  if (spec.auth !== undefined && !maySendCredentials(endpoint.url, spec)) {
    return unusable(
      `credentials for ${endpoint.name} would travel without TLS beyond this machine; allow_insecure_auth permits that`,
    );
  }
  return { kind: "usable", endpoint };
}

function isProxyUrl(text: string): boolean {
  const url = URL.parse(text);
  // User info with a stray `%` could not be decoded.
  return url?.protocol === "http:" && !/%(?![\da-f]{2})/i.test(url.username + url.password);
}

function maySendCredentials(url: URL, spec: EndpointSpec): boolean {
  const staysHere = isLoopback(url) && (spec.proxyUrl === undefined || isLoopback(new URL(spec.proxyUrl)));
  return url.protocol === "https:" || staysHere || spec.allowInsecureAuth === true;
}

function normalise(given: URL, scheme: { protocol: "http" | "grpc"; urlScheme: string; port: string }): ParsedEndpoint {
  const { protocol, urlScheme } = scheme;
  const path = protocol === "grpc" || given.pathname === "/" || given.pathname === "" ? "" : given.pathname;
  // Of a scheme that it does not know, `URL` keeps the host as it was written; parsing it again normalises it.
  const url = new URL(`${urlScheme}//${given.host}${protocol === "http" ? path || "/v1/traces" : ""}`);
  return { protocol, url, name: `${given.protocol}//${url.host}${path}` };
}

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function isHeader(name: string, value: string): boolean {
  return headerName.test(name) && !/[^\t\x20-\x7e\x80-\xff]/.test(value);
}

function unusable(why: string): EndpointCheck {
  return { kind: "unusable", why };
}

/** For messages about URLs that could not be parsed: nothing that could be user info or a query. */
function withoutSecrets(url: string): string {
  return url
    .replace(/\/\/[^/]*@/, "//")
    .replace(/[?#].*$/s, "")
    .slice(0, 200);
}
