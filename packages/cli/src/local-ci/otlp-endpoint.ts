import { checkEndpointSpec, type EndpointSpec, environmentProxyFor } from "@jobscope/labkit";
import { CommandError } from "../command-error.ts";
import type { Environment } from "../process-environment.ts";

/** A place of the user's that gets the spans too. */
export interface OtlpEndpoint {
  readonly url: string;
  /** Header fields of every request, such as `authorization`. A secret. */
  readonly headers: Readonly<Record<string, string>>;
  /** The environment's for this URL. */
  readonly proxyUrl: string | undefined;
}

/** As our own exporters take it. */
export function endpointSpecOf({ url, headers, proxyUrl }: OtlpEndpoint): EndpointSpec {
  return {
    url,
    ...(Object.keys(headers).length === 0 ? {} : { auth: { kind: "headers", headers } }),
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
  };
}

/**
 * `--otlp-endpoint` and `--otlp-header` → endpoints.
 *
 * @throws {CommandError} when a URL, header or proxy is not usable; it never shows a header's value.
 */
export function parseOtlpEndpoints(
  urls: readonly string[],
  headerTexts: readonly string[],
  environment: Environment,
): OtlpEndpoint[] {
  const headers = Object.fromEntries(headerTexts.map(parseHeader));
  return urls.map((url) => {
    const endpoint = { url, headers, proxyUrl: environmentProxyFor(url, environment) };
    const check = checkEndpointSpec(endpointSpecOf(endpoint));
    if (check.kind === "unusable") throw new CommandError(`--otlp-endpoint: ${check.why}`);
    return endpoint;
  });
}

function parseHeader(text: string): [name: string, value: string] {
  const { name, value } = /^(?<name>[A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*[:=]\s*(?<value>[^\r\n]+)$/.exec(text)?.groups ?? {};
  if (name === undefined || value === undefined) {
    throw new CommandError("--otlp-header: expected NAME=VALUE, such as x-api-key=…");
  }
  return [name.toLowerCase(), value];
}
