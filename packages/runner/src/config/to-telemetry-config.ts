import path from "node:path";
import { type AuthSpec, checkEndpointSpec, type EndpointSpec } from "@jobscope/labkit";
import type { ConfigProblem } from "./config-error.ts";
import { expandEnvironment } from "./expand-environment.ts";
import type { Environment } from "./process-environment.ts";
import type { TelemetryEndpointTable, TelemetryTable } from "./schema/telemetry-table.ts";
import type { TelemetryConfig } from "./telemetry-config.ts";
import type { ConfigPlace } from "./to-runner-config.ts";

/** Turns the `[telemetry]` table into the policy. What is wrong with an endpoint goes to `problems`. */
export function toTelemetryConfig(
  table: TelemetryTable,
  context: ConfigPlace & { readonly environment: Environment; readonly problems: ConfigProblem[] },
): TelemetryConfig {
  const staticEndpoints = table.endpoints.map((endpoint, index) => {
    const spec = toEndpointSpec(endpoint, context);
    const check = checkEndpointSpec(spec);
    if (check.kind === "unusable") {
      context.problems.push({ key: `telemetry.endpoints[${index}]`, message: check.why });
    }
    return spec;
  });
  return {
    policy: {
      mode: table.mode,
      endpointPolicy: table.endpoint_policy,
      staticEndpoints,
      serviceName: table.service_name,
      semconv: table.semconv,
      maxSpansPerJob: table.max_spans_per_job,
      commandSpans: table.command_spans,
      sectionSpans: table.section_spans,
    },
    flushTimeoutMs: table.flush_timeout,
    spoolDir: spoolDir(table, context),
  };
}

function spoolDir({ spool_dir: configured }: TelemetryTable, place: ConfigPlace): string | undefined {
  if (configured === "") return undefined;
  if (configured !== undefined) return path.resolve(place.workingDirectory, configured);
  return place.directory === undefined ? undefined : path.join(place.directory, ".jobscope", "spool");
}

function toEndpointSpec(
  table: TelemetryEndpointTable,
  { environment, workingDirectory }: { readonly environment: Environment; readonly workingDirectory: string },
): EndpointSpec {
  const expand = (text: string) => expandEnvironment(text, environment);
  const tls = {
    ...(table.tls_ca_file === undefined ? {} : { caFile: path.resolve(workingDirectory, table.tls_ca_file) }),
    ...(table.tls_cert_file === undefined ? {} : { certFile: path.resolve(workingDirectory, table.tls_cert_file) }),
    ...(table.tls_key_file === undefined ? {} : { keyFile: path.resolve(workingDirectory, table.tls_key_file) }),
  };
  const auth = toAuthSpec(table, expand, workingDirectory);
  return {
    url: expand(table.url),
    ...(auth === undefined ? {} : { auth }),
    ...(table.compression === undefined ? {} : { compression: table.compression }),
    ...(table.timeout === undefined ? {} : { timeoutMs: table.timeout }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
    allowInsecureAuth: table.allow_insecure_auth,
  };
}

function toAuthSpec(
  table: TelemetryEndpointTable,
  expand: (text: string) => string,
  workingDirectory: string,
): AuthSpec | undefined {
  if (table.bearer_token !== undefined) return { kind: "bearer", token: expand(table.bearer_token) };
  if (table.bearer_token_env !== undefined) return { kind: "bearer-env", variable: table.bearer_token_env };
  if (table.bearer_token_file !== undefined) {
    return { kind: "bearer-file", path: path.resolve(workingDirectory, expand(table.bearer_token_file)) };
  }
  if (table.headers === undefined) return undefined;
  const headers = Object.entries(table.headers).map(([name, value]) => [name.toLowerCase(), expand(value)]);
  return { kind: "headers", headers: Object.fromEntries(headers) };
}
