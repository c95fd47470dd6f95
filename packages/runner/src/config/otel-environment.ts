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
  const given = readOption(environment, "ENDPOINT");
  if (given === undefined) return { endpoint: undefined, warnings: [] };
  const warnings: string[] = [];
  function read<Value>(option: string, parse: (text: string) => Value | undefined, expected: string) {
    const variable = readOption(environment, option);
    const value = variable && parse(variable.text);
    if (variable !== undefined && value === undefined) warnings.push(`${variable.name}: expected ${expected}`);
    return value;
  }
  const file = (option: string) => read(option, (text) => path.resolve(workingDirectory, text), "a file");

  const protocol = read("PROTOCOL", (text) => oneOf(["grpc", "http/protobuf"], text), '"grpc" or "http/protobuf"');
  const headers = read("HEADERS", readPairs, '"name=value,name=value", percent-encoded');
  // Nothing is sent in another way than was asked for, or without the credentials that were meant.
  if (warnings.length > 0) return { endpoint: undefined, warnings };
  const isInsecure = read("INSECURE", (text) => text.toLowerCase(), "a text") === "true";
  const tls = definedOnly({
    caFile: file("CERTIFICATE"),
    certFile: file("CLIENT_CERTIFICATE"),
    keyFile: file("CLIENT_KEY"),
  });
  const spec: EndpointSpec = {
    url: urlOf(given, protocol === "grpc", isInsecure),
    ...(headers === undefined ? {} : { auth: { kind: "headers", headers: lowerCased(headers) } }),
    ...definedOnly({
      compression: read("COMPRESSION", (text) => oneOf(["gzip", "none"], text), '"gzip" or "none"'),
      timeoutMs: read("TIMEOUT", positiveNumber, "a number of milliseconds"),
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

function oneOf<const Text extends string>(texts: readonly Text[], text: string): Text | undefined {
  return texts.find((one) => one === text);
}

function positiveNumber(text: string): number | undefined {
  const number = Number(text);
  return number > 0 ? number : undefined;
}
