import path from "node:path";
import { checkEndpointSpec, type EndpointSpec } from "@jobscope/labkit";
import { definedOnly } from "./defined-only.ts";
import type { Environment } from "./process-environment.ts";
import { readPairs } from "./telemetry-environment.ts";

/** What OpenTelemetry's own variables ask for. */
export interface OtelEndpoint {
  /** Undefined when they name no endpoint, or one that cannot be used. */
  readonly endpoint: EndpointSpec | undefined;
  /** Sentences for the runner log, each naming its variable. */
  readonly warnings: readonly string[];
}

/**
 * Reads `OTEL_EXPORTER_OTLP_*`: `ENDPOINT`, `HEADERS`, `PROTOCOL`, `COMPRESSION`, `TIMEOUT` (milliseconds),
 * `CERTIFICATE`, `CLIENT_CERTIFICATE`, `CLIENT_KEY`, `INSECURE`. `OTEL_EXPORTER_OTLP_TRACES_*` win. Empty ones count as
 * not set; without an endpoint there is none. Since they are not only for us, what is wrong with them is a warning.
 *
 * Rule: OpenTelemetry specification, "OTLP Exporter Configuration".
 */
export function readOtelEndpoint(
  environment: Environment,
  { workingDirectory }: { workingDirectory: string },
): OtelEndpoint {
  const read = (option: string) => readOption(environment, option);
  const given = read("ENDPOINT");
  if (given === undefined) return { endpoint: undefined, warnings: [] };
  const warnings: string[] = [];
  const refuse = (name: string, expected: string) => {
    warnings.push(`${name}: expected ${expected}`);
    return undefined;
  };

  const protocol = read("PROTOCOL");
  if (protocol !== undefined && !["grpc", "http/protobuf"].includes(protocol.text)) {
    refuse(protocol.name, '"grpc" or "http/protobuf"; no spans are sent to that endpoint');
    return { endpoint: undefined, warnings };
  }
  const compression = read("COMPRESSION");
  const timeout = read("TIMEOUT");
  const headers = read("HEADERS");
  const file = (option: string) => {
    const named = read(option);
    return named === undefined ? undefined : path.resolve(workingDirectory, named.text);
  };
  const tls = definedOnly({
    caFile: file("CERTIFICATE"),
    certFile: file("CLIENT_CERTIFICATE"),
    keyFile: file("CLIENT_KEY"),
  });
  const pairs =
    headers === undefined
      ? undefined
      : (readPairs(headers.text) ?? refuse(headers.name, '"name=value,name=value", percent-encoded'));
  const spec = {
    url: urlOf(given, protocol?.text === "grpc", read("INSECURE")?.text.toLowerCase() === "true"),
    ...(pairs === undefined ? {} : { auth: { kind: "headers" as const, headers: lowerCased(pairs) } }),
    ...definedOnly({
      compression:
        compression === undefined
          ? undefined
          : (oneOf(["gzip", "none"] as const, compression.text) ?? refuse(compression.name, '"gzip" or "none"')),
      timeoutMs:
        timeout === undefined
          ? undefined
          : (positiveNumber(timeout.text) ?? refuse(timeout.name, "a number of milliseconds")),
    }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
  const check = checkEndpointSpec(spec);
  if (check.kind === "usable") return { endpoint: spec, warnings };
  return { endpoint: undefined, warnings: [...warnings, `${given.name}: ${check.why}`] };
}

interface Variable {
  readonly name: string;
  readonly text: string;
}

function readOption(environment: Environment, option: string): Variable | undefined {
  const names = [`OTEL_EXPORTER_OTLP_TRACES_${option}`, `OTEL_EXPORTER_OTLP_${option}`];
  for (const name of names) {
    const text = environment[name]?.trim() ?? "";
    if (text !== "") return { name, text };
  }
  return undefined;
}

/** The common variable is a base that `v1/traces` is put behind; that of traces is taken as it is. gRPC knows no paths. */
function urlOf({ name, text }: Variable, isGrpc: boolean, isInsecure: boolean): string {
  if (isGrpc) {
    const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `${isInsecure ? "http" : "https"}://${text}`;
    return withScheme.replace(/^http/i, "grpc");
  }
  return name.includes("_TRACES_") ? text : `${text.replace(/\/+$/, "")}/v1/traces`;
}

function lowerCased(pairs: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(pairs).map(([name, value]) => [name.toLowerCase(), value]));
}

function oneOf<Text extends string>(texts: readonly Text[], text: string): Text | undefined {
  return texts.find((one) => one === text);
}

function positiveNumber(text: string): number | undefined {
  const number = Number(text);
  return number > 0 ? number : undefined;
}
