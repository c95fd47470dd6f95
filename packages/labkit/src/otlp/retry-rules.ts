import type { ExportOutcome } from "./export-outcome.ts";

/** What came back for one export request, as far as the rules look at it. */
export type Answer =
  | { readonly kind: "http"; readonly status: number; readonly retryAfter?: string | undefined }
  /** `retryDelayMs`: from the `google.rpc.RetryInfo` in the status details. */
  | {
      readonly kind: "grpc";
      readonly code: number;
      readonly message: string;
      readonly retryDelayMs?: number | undefined;
    }
  /** No answer: not connected, reset, timed out. */
  | { readonly kind: "none"; readonly why: string };

/**
 * What an answer means, by the OTLP specification ("Failures", "Throttling" of OTLP/HTTP and OTLP/gRPC) and telemetry.md
 * §1 and §4. A success gives `accepted` with no rejected spans; the caller reads `partial_success`.
 *
 * @param nowMs Wall clock, for a `Retry-After` that is a date.
 */
export function judgeAnswer(answer: Answer, nowMs: number): ExportOutcome {
  switch (answer.kind) {
    case "http":
      return { ...judgeHttp(answer.status, answer.retryAfter, nowMs), code: answer.status };
    case "grpc":
      return { ...judgeGrpc(answer.code, answer.message, answer.retryDelayMs), code: answer.code };
    case "none":
      return { kind: "try-later", retryAfterMs: undefined, why: answer.why };
  }
}

/** OTLP/HTTP: only these are retried, "all other 4xx or 5xx response status codes MUST NOT be retried". */
const retryableStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

function judgeHttp(status: number, retryAfter: string | undefined, nowMs: number): ExportOutcome {
  const why = `answered HTTP status ${status}`;
  if (status >= 200 && status < 300) return { kind: "accepted", rejectedSpans: 0 };
  if (retryableStatuses.has(status)) return { kind: "try-later", retryAfterMs: readRetryAfter(retryAfter, nowMs), why };
  if (status === 401 || status === 403) return { kind: "unauthorized", mayRefresh: status === 401, why };
  // A proxy's word, not the endpoint's (RFC 9110 §15.5.8): no span was looked at.
  if (status === 407) return { kind: "try-later", retryAfterMs: undefined, why: `the proxy ${why}` };
  if (status === 413) return { kind: "too-large", why };
  // Credentials must not travel to where a redirect points (telemetry.md §4).
  if (status >= 300 && status < 400) return { kind: "refused", why: `${why}; redirects are not followed` };
  return { kind: "refused", why };
}

/** RFC 9110 §10.2.3: seconds or a date. Undefined when it is neither. */
function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1_000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** gRPC status codes: https://grpc.io/docs/guides/status-codes/. Named here because the rules are about them. */
const grpcOk = 0;
const grpcPermissionDenied = 7;
const grpcResourceExhausted = 8;
const grpcOutOfRange = 11;
const grpcUnauthenticated = 16;

/** OTLP/gRPC: CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS. */
const retryableCodes: ReadonlySet<number> = new Set([1, 4, 10, 11, 14, 15]);

function judgeGrpc(code: number, message: string, retryDelayMs: number | undefined): ExportOutcome {
  const why = `answered gRPC status ${code}${message === "" ? "" : ` (${message})`}`;
  if (code === grpcOk) return { kind: "accepted", rejectedSpans: 0 };
  // Servers made with Rust's tonic say OUT_OF_RANGE for it, which is to be retried where it means what it says.
  if (code === grpcOutOfRange && /message length too large/i.test(message)) return { kind: "too-large", why };
  if (retryableCodes.has(code)) return { kind: "try-later", retryAfterMs: retryDelayMs, why };
  if (code === grpcUnauthenticated || code === grpcPermissionDenied) {
    return { kind: "unauthorized", mayRefresh: code === grpcUnauthenticated, why };
  }
  if (code === grpcResourceExhausted) {
    // Retryable "only if the server signals that recovery is possible", by RetryInfo. Without it, servers mean their
    // message size limit; gRPC libraries say so as "received message larger than max" or "message too large".
    if (retryDelayMs !== undefined) return { kind: "try-later", retryAfterMs: retryDelayMs, why };
    return /larger|too large|size|limit/i.test(message) ? { kind: "too-large", why } : { kind: "refused", why };
  }
  return { kind: "refused", why };
}
