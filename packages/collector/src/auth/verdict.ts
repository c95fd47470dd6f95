/** Why a sender was refused; told to the operator by counters, never to the sender. */
export const refusalReasons = [
  "no-token",
  "unknown-token",
  "malformed-token",
  "wrong-issuer",
  "wrong-audience",
  "wrong-claims",
  "wrong-signature",
  "expired",
  "foreign-trace",
  "rate-limited",
  "wrong-host",
  "issuer-unavailable",
] as const;

/** One of {@link refusalReasons}. */
export type RefusalReason = (typeof refusalReasons)[number];

/** What is thought of whoever sent a request. */
export type Verdict = Admission | Refusal;

/** A sender that may send. */
export interface Admission {
  readonly kind: "accepted";
  /** Tells senders apart and is no secret; undefined where nobody is asked. */
  readonly sender: string | undefined;
  /** The job whose own token was sent: its spans alone are taken. */
  readonly job?: SendingJob;
}

/** A running job that sends spans by itself. */
export interface SendingJob {
  readonly jobId: string;
  /** The one trace that it may send to. Undefined: not known; the first one that it sends to becomes it. */
  traceId: string | undefined;
}

/** A sender that was turned away. */
export interface Refusal {
  readonly kind: "refused";
  readonly reason: RefusalReason;
}

export function refused(reason: RefusalReason): Refusal {
  return { kind: "refused", reason };
}
