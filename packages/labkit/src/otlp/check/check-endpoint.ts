import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { createTokenSource } from "../../auth/create-token-source.ts";
import type { EndpointSpec } from "../endpoint-spec.ts";
import { checkEndpointSpec } from "../endpoint-spec-check.ts";
import { defaultTimeoutMs } from "../http-transport.ts";
import { checkConnection, checkDns } from "./check-connection.ts";
import { checkExport } from "./check-export.ts";
import { type CheckStep, failed, passed } from "./check-step.ts";
import { checkToken } from "./check-token.ts";

export interface EndpointCheckOptions {
  /** Ends the check: the step under way fails, and is the last. */
  readonly signal: AbortSignal;
  /** Where `bearer-env` and the cloud identities look their variables up. Default: nowhere. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The span to send, ended. Default: one named `telemetry check` of the service `labkit`. */
  readonly span?: ReadableSpan;
}

/**
 * Walks one endpoint as an export does, and says of each step what was found; ends after the first that fails. Every step
 * is bounded by the endpoint's `timeoutMs`. Uses connections and a token of its own; sends the one span once, without a
 * retry. Never throws.
 *
 * Rule: telemetry.md §4, §6.
 */
export async function* checkEndpoint(
  spec: EndpointSpec,
  options: EndpointCheckOptions,
): AsyncGenerator<CheckStep, void> {
  for await (const step of steps(spec, options)) {
    yield step;
    if (step.kind === "failed") return;
  }
}

async function* steps(spec: EndpointSpec, options: EndpointCheckOptions): AsyncGenerator<CheckStep, void> {
  const check = checkEndpointSpec(spec);
  if (check.kind === "unusable") {
    yield failed("specification", { message: check.why, advice: "Correct the endpoint's configuration." });
    return;
  }
  const { endpoint } = check;
  const format = endpoint.protocol === "grpc" ? "OTLP over gRPC" : "OTLP over HTTP";
  yield passed("specification", `${format} to ${endpoint.url.host}`, {
    ...(endpoint.protocol === "grpc" ? {} : { path: endpoint.url.pathname }),
    authentication:
      spec.auth === undefined ? "none" : createTokenSource(spec.auth, { env: options.env ?? {} }).description,
  });
  const timeoutMs = spec.timeoutMs ?? defaultTimeoutMs;
  const bounds = { signal: options.signal, timeoutMs };
  yield await checkDns(endpoint, spec, bounds);
  yield* checkConnection(endpoint, spec, bounds);
  const token = await checkToken(endpoint, spec, { ...bounds, env: options.env ?? {} });
  if (token.step !== undefined) yield token.step;
  yield await checkExport(endpoint, spec, { ...bounds, headers: token.headers, span: options.span });
}
