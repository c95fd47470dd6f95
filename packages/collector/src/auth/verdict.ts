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
  "rate-limited",
  "wrong-host",
  "issuer-unavailable",
] as const;

/** One of {@link refusalReasons}. */
export type RefusalReason = (typeof refusalReasons)[number];

/** What is thought of whoever sent a request. */
export type Verdict =
  /** `sender` tells senders apart and is no secret; undefined where nobody is asked. */
  { readonly kind: "accepted"; readonly sender: string | undefined } | Refusal;

/** A sender that was turned away. */
export interface Refusal {
  readonly kind: "refused";
  readonly reason: RefusalReason;
}

export function refused(reason: RefusalReason): Refusal {
  return { kind: "refused", reason };
}
