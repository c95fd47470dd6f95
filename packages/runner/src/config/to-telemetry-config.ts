import path from "node:path";
import {
  type AuthSpec,
  checkEndpointSpec,
  type EndpointSpec,
  environmentProxyFor,
  type SecretSpec,
} from "@jobscope/labkit";
import type { ConfigProblem } from "./config-error.ts";
import { definedOnly } from "./defined-only.ts";
import { readOtelEndpoint } from "./otel-environment.ts";
import type { Environment } from "./process-environment.ts";
import type { TelemetryEndpointTable } from "./schema/telemetry-endpoint-table.ts";
import type { TelemetryTable } from "./schema/telemetry-table.ts";
import type { TelemetryConfig } from "./telemetry-config.ts";
import type { ConfigPlace } from "./to-runner-config.ts";

interface Context extends ConfigPlace {
  readonly environment: Environment;
  readonly problems: ConfigProblem[];
  readonly warnings: string[];
}

/**
 * Turns the `[telemetry]` table into the policy. What is wrong with an endpoint goes to `problems`; what is wrong with
 * OpenTelemetry's own variables, which are read when the table names no endpoint, to `warnings`.
 */
export function toTelemetryConfig(table: TelemetryTable, context: Context): TelemetryConfig {
  const configured = table.endpoints.map((endpoint, index) => {
    const spec = toEndpointSpec(endpoint, table, context);
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
      staticEndpoints: configured.length === 0 ? otelEndpoints(table, context) : configured,
      payloadEndpoints: {
        allowedHosts: table.payload_endpoints.allowed_hosts,
        settingsFor: (url) => ({ ...transportOf(url, table.payload_endpoints, context), queue: queueOf({}, table) }),
      },
      serviceName: table.service_name,
      semconv: table.semconv,
      maxSpansPerJob: table.max_spans_per_job,
      commandSpans: table.command_spans,
      sectionSpans: table.section_spans,
    },
    secretVariables: configured.flatMap(({ auth }) => secretVariableOf(auth)),
    traceUrlTemplate: table.trace_url_template,
    logsTraceId: table.log_trace_id || table.trace_url_template !== undefined,
    offlineArtifact: table.offline_artifact,
    flushTimeoutMs: table.flush_timeout,
    spoolDir: spoolDir(table, context),
    spoolLimits: { maxBytes: table.spool_max_bytes, maxAgeMs: table.spool_max_age, fsync: table.spool_fsync },
  };
}

function secretVariableOf(auth: AuthSpec | undefined): string[] {
  if (auth?.kind === "bearer-env") return [auth.variable];
  if (auth?.kind !== "oauth2-client-credentials" || auth.clientSecret.kind !== "env") return [];
  return [auth.clientSecret.variable];
}

function spoolDir({ spool_dir: configured }: TelemetryTable, place: ConfigPlace): string | undefined {
  if (configured === "" || configured === "none") return undefined;
  if (configured !== undefined) return path.resolve(place.workingDirectory, configured);
  return place.directory === undefined ? undefined : path.join(place.directory, ".jobscope", "spool");
}

function otelEndpoints(table: TelemetryTable, context: Context): EndpointSpec[] {
  if (table.mode === "off") return [];
  const { endpoint, warnings } = readOtelEndpoint(context.environment, context);
  context.warnings.push(...warnings);
  if (endpoint === undefined) return [];
  return [{ ...endpoint, ...proxyOf(endpoint.url, undefined, context), queue: queueOf({}, table) }];
}

function toEndpointSpec(table: TelemetryEndpointTable, defaults: TelemetryTable, context: Context): EndpointSpec {
  const url = table.protocol === "grpc" ? table.url.replace(/^http/i, "grpc") : table.url;
  const token = tokenOf(table, context);
  const headers = lowerCased(table.headers ?? {});
  const hasHeaders = Object.keys(headers).length > 0;
  return {
    url,
    // Headers alone may be the credentials; beside a token, they travel under its rules.
    ...(token === undefined ? (hasHeaders ? { auth: { kind: "headers", headers } } : {}) : { auth: token }),
    ...(token !== undefined && hasHeaders ? { headers } : {}),
    ...transportOf(url, table, context),
    queue: queueOf(table, defaults),
  };
}

function queueOf(
  own: { readonly max_queued_spans?: number | undefined; readonly max_queued_bytes?: number | undefined },
  defaults: TelemetryTable,
): { maxSpans: number; maxBytes: number } {
  return {
    maxSpans: own.max_queued_spans ?? defaults.max_queued_spans,
    maxBytes: own.max_queued_bytes ?? defaults.max_queued_bytes,
  };
}

type Transport = TelemetryTable["payload_endpoints"];

function transportOf(
  url: string,
  table: Omit<Transport, "allowed_hosts">,
  context: Context,
): Omit<EndpointSpec, "url" | "auth"> {
  const file = (name: string | undefined) =>
    name === undefined ? undefined : path.resolve(context.workingDirectory, name);
  const tls = definedOnly({
    caFile: file(table.tls_ca_file),
    certFile: file(table.tls_cert_file),
    keyFile: file(table.tls_key_file),
  });
  return {
    ...(table.compression === undefined ? {} : { compression: table.compression }),
    timeoutMs: table.timeout,
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
    ...proxyOf(url, table.proxy, context),
    allowInsecureAuth: table.allow_insecure_auth,
  };
}

/** @param configured undefined: what the environment says. Empty: none. */
function proxyOf(url: string, configured: string | undefined, { environment }: Context): { proxyUrl?: string } {
  const chosen = configured ?? environmentProxyFor(url, environment);
  return chosen === undefined || chosen === "" ? {} : { proxyUrl: chosen };
}

function tokenOf(table: TelemetryEndpointTable, { workingDirectory }: Context): AuthSpec | undefined {
  const { gcp, aws, azure_managed_identity: managed, azure_workload_identity: workload, oauth2 } = table;
  if (table.bearer_token !== undefined) return { kind: "bearer", token: table.bearer_token };
  if (table.bearer_token_env !== undefined) return { kind: "bearer-env", variable: table.bearer_token_env };
  if (table.bearer_token_file !== undefined) {
    return { kind: "bearer-file", path: path.resolve(workingDirectory, table.bearer_token_file) };
  }
  if (gcp !== undefined) {
    return { kind: "gcp-oidc", audience: gcp.audience, ...definedOnly({ serviceAccount: gcp.service_account }) };
  }
  if (aws !== undefined) {
    return {
      kind: "aws-web-identity",
      audience: aws.audience,
      ...definedOnly({ region: aws.region }),
      durationS: Math.round(aws.duration / 1000),
      signingAlgorithm: aws.signing_algorithm,
    };
  }
  if (managed !== undefined) {
    return {
      kind: "azure-managed-identity",
      resource: managed.resource,
      ...definedOnly({ clientId: managed.client_id }),
    };
  }
  if (workload !== undefined) return { kind: "azure-workload-identity", scope: workload.scope };
  return oauth2 === undefined ? undefined : clientCredentialsOf(oauth2, workingDirectory);
}

function clientCredentialsOf(table: NonNullable<TelemetryEndpointTable["oauth2"]>, workingDirectory: string): AuthSpec {
  return {
    kind: "oauth2-client-credentials",
    issuer: table.issuer,
    clientId: table.client_id,
    clientSecret: secretOf(table, workingDirectory),
    ...definedOnly({ scope: table.scope, audience: table.audience, resource: table.resource }),
  };
}

/** The schema sees to it that there is one of the three. */
function secretOf(table: NonNullable<TelemetryEndpointTable["oauth2"]>, workingDirectory: string): SecretSpec {
  if (table.client_secret_file !== undefined) {
    return { kind: "file", path: path.resolve(workingDirectory, table.client_secret_file) };
  }
  if (table.client_secret_env !== undefined) return { kind: "env", variable: table.client_secret_env };
  return { kind: "value", value: table.client_secret ?? "" };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
