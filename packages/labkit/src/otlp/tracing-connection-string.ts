import type { AuthSpec } from "../auth/auth-spec.ts";
import type { EndpointSpec } from "./endpoint-spec.ts";
import { checkEndpointSpec } from "./endpoint-spec-check.ts";

/** What a `GITLAB_TRACING` connection string asks for. */
export type TracingConnection =
  | { readonly kind: "usable"; readonly spec: EndpointSpec; readonly serviceName: string | undefined }
  | { readonly kind: "unusable"; readonly why: string };

/**
 * Reads a connection string as GitLab's services take it from the variable `GITLAB_TRACING`:
 * `otlp://host[:port][/path][?option=value&…]`.
 *
 * - `protocol`: `grpc` (default, port 4317) or `http` (port 4318, path `/v1/traces`)
 * - `insecure`: `true` for no TLS; default `true` for loopback, else `false`
 * - `compression`: `gzip` or `none`
 * - `timeout_ms`: milliseconds
 * - `service_name`: the service's name in its spans
 * - `header.<name>`: a secret header field, `header.x-api-key=abc`
 * - `bearer_file`, `bearer_env`: where a bearer token comes from
 *
 * Unknown options make it unusable: a misspelt `insecure` must not go unnoticed.
 */
export function parseTracingConnectionString(text: string): TracingConnection {
  const url = URL.parse(text.trim());
  if (url === null) return unusable("it is not a URL");
  if (url.protocol !== "otlp:") return unusable(`its scheme is ${url.protocol.slice(0, -1)}; only otlp is supported`);
  if (url.hostname === "") return unusable("it names no host");
  const options = readOptions(url.searchParams);
  if (typeof options === "string") return unusable(options);
  const spec = toSpec(url, options);
  const check = checkEndpointSpec(spec);
  return check.kind === "usable" ? { kind: "usable", spec, serviceName: options.service_name } : unusable(check.why);
}

const optionChecks = {
  protocol: /^(?:grpc|http)$/,
  insecure: /^(?:true|false)$/,
  compression: /^(?:gzip|none)$/,
  timeout_ms: /^[1-9]\d{0,6}$/,
  service_name: /./,
  bearer_file: /./,
  bearer_env: /^[A-Za-z_]\w*$/,
} as const;

type Options = { -readonly [name in keyof typeof optionChecks]?: string } & { headers: Record<string, string> };

/** @returns the options, or what is wrong with them. */
function readOptions(parameters: URLSearchParams): Options | string {
  const options: Options = { headers: {} };
  for (const [name, value] of parameters) {
    if (name.startsWith("header.")) options.headers[name.slice("header.".length)] = value;
    else if (!isOptionName(name)) return `it has an unknown option "${name}"`;
    else if (!optionChecks[name].test(value)) return `its option "${name}" has a value that is not possible`;
    else options[name] = value;
  }
  const authOptions = [options.bearer_file, options.bearer_env].filter((value) => value !== undefined).length;
  const hasHeaders = Object.keys(options.headers).length > 0;
  return authOptions + (hasHeaders ? 1 : 0) > 1 ? "it has more than one kind of authentication" : options;
}

function isOptionName(name: string): name is keyof typeof optionChecks {
  return Object.hasOwn(optionChecks, name);
}

function toSpec(url: URL, options: Options): EndpointSpec {
  const protocol = options.protocol ?? "grpc";
  const port = url.port || (protocol === "grpc" ? "4317" : "4318");
  const isLocal = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(url.hostname);
  const isInsecure = (options.insecure ?? String(isLocal)) === "true";
  const auth = readAuth(options);
  return {
    url: `${protocol}${isInsecure ? "" : "s"}://${url.hostname}:${port}${url.pathname}`,
    ...(auth === undefined ? {} : { auth }),
    ...(options.compression === undefined ? {} : { compression: options.compression === "gzip" ? "gzip" : "none" }),
    ...(options.timeout_ms === undefined ? {} : { timeoutMs: Number(options.timeout_ms) }),
  };
}

function readAuth(options: Options): AuthSpec | undefined {
  if (options.bearer_file !== undefined) return { kind: "bearer-file", path: options.bearer_file };
  if (options.bearer_env !== undefined) return { kind: "bearer-env", variable: options.bearer_env };
  return Object.keys(options.headers).length === 0 ? undefined : { kind: "headers", headers: options.headers };
}

function unusable(why: string): TracingConnection {
  return { kind: "unusable", why: `the tracing connection string cannot be used: ${why}` };
}
