/**
 * What became of one export request. Never thrown: an exporter must not be able to fail a job.
 *
 * `why` is a sentence for logs and `stats()`; it holds no secret.
 */
export type ExportOutcome = (
  | { readonly kind: "accepted"; readonly rejectedSpans: number; readonly why?: string }
  /** Send the same request again; the endpoint asked for `retryAfterMs` of patience, or did not say. */
  | { readonly kind: "try-later"; readonly retryAfterMs: number | undefined; readonly why: string }
  /** The request was larger than the endpoint takes; half of it may fit. */
  | { readonly kind: "too-large"; readonly why: string }
  /** The credentials were not accepted. `mayRefresh`: other ones could be (401), not only another permission (403). */
  | { readonly kind: "unauthorized"; readonly mayRefresh: boolean; readonly why: string }
  /** Never to be sent again. */
  | { readonly kind: "refused"; readonly why: string }
) & {
  /** HTTP status or gRPC code; undefined when there was no answer. */
  readonly code?: number;
};
