import { checkEndpointSpec } from "@jobscope/labkit";
import { CommandError } from "../command-error.ts";

/** A place of the user's that gets the spans too. */
export interface OtlpEndpoint {
  readonly url: string;
  /** Header fields of every request, such as `authorization`. A secret. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * `--otlp-endpoint` and `--otlp-header` → endpoints.
 *
 * @throws {CommandError} when a URL or header is not usable; it never shows a header's value.
 */
export function parseOtlpEndpoints(urls: readonly string[], headerTexts: readonly string[]): OtlpEndpoint[] {
  const headers = Object.fromEntries(headerTexts.map(parseHeader));
  return urls.map((url) => {
    const check = checkEndpointSpec({
      url,
      ...(headerTexts.length === 0 ? {} : { auth: { kind: "headers", headers } }),
    });
    if (check.kind === "unusable") throw new CommandError(`--otlp-endpoint: ${check.why}`);
    return { url, headers };
  });
}

function parseHeader(text: string): [name: string, value: string] {
  const { name, value } = /^(?<name>[A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*[:=]\s*(?<value>[^\r\n]+)$/.exec(text)?.groups ?? {};
  if (name === undefined || value === undefined) {
    throw new CommandError("--otlp-header: expected NAME=VALUE, such as x-api-key=…");
  }
  return [name.toLowerCase(), value];
}
