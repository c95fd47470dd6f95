import { type ReadableSpan, TracerProvider } from "@opentelemetry/sdk-trace";
import { createDiscreetTransport } from "../discreet-transport.ts";
import type { EndpointSpec, ParsedEndpoint } from "../endpoint-spec.ts";
import { encodeBatch } from "../export-batch.ts";
import type { ExportOutcome } from "../export-outcome.ts";
import { createGrpcTransport } from "../grpc-transport.ts";
import { createHttpTransport } from "../http-transport.ts";
import type { CheckBounds } from "./check-connection.ts";
import { type CheckStep, failed, passed } from "./check-step.ts";

/** Sends one span and reads the answer. */
export async function checkExport(
  endpoint: ParsedEndpoint,
  spec: EndpointSpec,
  {
    headers,
    signal,
    span = aSpan(),
  }: CheckBounds & { headers: Readonly<Record<string, string>>; span: ReadableSpan | undefined },
): Promise<CheckStep> {
  const { batch } = encodeBatch([{ kind: "live", span, ticket: undefined }], 0);
  if (batch === undefined)
    return failed("export", { message: "the span cannot be encoded", advice: "Give another span." });
  const plain =
    endpoint.protocol === "grpc"
      ? createGrpcTransport(endpoint, spec)
      : createHttpTransport(endpoint, spec, { maxConnections: 1 });
  const transport = createDiscreetTransport(plain, spec);
  await using _ = { [Symbol.asyncDispose]: () => transport.close() };
  const startedAtMs = performance.now();
  const outcome = await transport.send(batch.request, { headers, signal });
  const facts = {
    "trace id": span.spanContext().traceId,
    "span id": span.spanContext().spanId,
    "answered in": `${Math.round(performance.now() - startedAtMs)} ms`,
  };
  if (outcome.kind === "accepted" && outcome.rejectedSpans === 0)
    return passed("export", "the endpoint took a test span", facts);
  return failed("export", { ...explain(outcome, endpoint, spec), facts });
}

function aSpan(): ReadableSpan {
  const ended: ReadableSpan[] = [];
  const keep = {
    onStart() {},
    onEnd: (span: ReadableSpan) => void ended.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  new TracerProvider({ spanProcessors: [keep] }).getTracer("@jobscope/labkit").startSpan("telemetry check").end();
  return ended[0] as ReadableSpan; // The processor is told before `end` returns.
}

function explain(
  outcome: ExportOutcome,
  { protocol, url }: ParsedEndpoint,
  spec: EndpointSpec,
): { message: string; advice: string } {
  const message = outcome.why ?? "the span was rejected";
  switch (outcome.kind) {
    case "accepted":
      return {
        message: `the endpoint answered, but rejected the span: ${message}`,
        advice: "Its message says what it does not take; the credentials and the connection are right.",
      };
    case "unauthorized":
      return { message, advice: authAdvice(outcome.mayRefresh, spec) };
    case "too-large":
      return { message, advice: "The endpoint refuses even one span as too large; raise its message size limit." };
    case "try-later":
      return { message, advice: retryAdvice(outcome.code, protocol, url) };
    case "refused":
      return { message, advice: refusalAdvice(outcome.code, protocol) };
  }
}

/** @param isUnknown 401, not 403. */
function authAdvice(isUnknown: boolean, { auth }: EndpointSpec): string {
  if (auth === undefined) return "The endpoint wants credentials and none are configured.";
  return isUnknown
    ? "The endpoint does not accept the token: check that it knows this one; of a JSON Web Token compare issuer and audience with what the collector expects, and the clocks."
    : "The endpoint knows who sends but does not permit it: give this identity the right to write traces.";
}

function retryAdvice(code: number | undefined, protocol: "http" | "grpc", { port }: URL): string {
  if (protocol === "http" && port === "4317")
    return "Port 4317 is usually OTLP over gRPC: try the scheme grpc:// or grpcs://.";
  if (protocol === "grpc" && port === "4318")
    return "Port 4318 is usually OTLP over HTTP: try the scheme http:// or https://.";
  if (code === 407) return "Check the credentials in the proxy's URL.";
  if (code === 429 || code === 8)
    return "The endpoint limits its clients; spans are sent later, as long as they find room.";
  return protocol === "grpc" && code === 14
    ? "The endpoint cannot be used for now: check its logs, whether it speaks gRPC on this port, and whether it wants a client certificate."
    : "The endpoint gives no answer for now: check its logs and what stands before it. Spans are sent again once it does.";
}

function refusalAdvice(code: number | undefined, protocol: "http" | "grpc"): string {
  if (protocol === "http" && code === 404) return "Check the URL's path; OTLP's own is /v1/traces.";
  if (protocol === "grpc" && code === 12)
    return "The server has no trace service: check that it is an OTLP receiver for traces.";
  if (protocol === "http" && code !== undefined && code >= 300 && code < 400)
    return "Configure the URL that the redirect leads to; credentials are not sent along a redirect.";
  return "Spans that it refuses so are dropped: check the endpoint's logs, and whether it is an OTLP receiver for traces.";
}
