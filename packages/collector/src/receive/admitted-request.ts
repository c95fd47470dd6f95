import type { Gate } from "../auth/gate.ts";
import type { Admission } from "../auth/verdict.ts";
import { assertOwnSpans, ForeignSpans } from "./foreign-spans.ts";
import type { Ingest } from "./ingest.ts";
import { answerTo, forbidden, malformed, type OtlpAnswer, turnedAway } from "./otlp-answer.ts";
import { MalformedRequest, type OtlpResourceSpans } from "./otlp-model.ts";
import type { Reservation } from "./pending-bytes.ts";

/** A request whose sender was admitted and whose body is there. */
export interface AdmittedRequest {
  readonly sender: Admission;
  readonly body: Buffer;
  readonly read: (body: Buffer) => readonly OtlpResourceSpans[];
  readonly reservation: Reservation;
}

/** Judges what a sender sends by what it may send, and stores it: the same for both protocols. */
export async function storeAdmitted(
  { sender, body, read, reservation }: AdmittedRequest,
  { ingest, gate }: { readonly ingest: Ingest; readonly gate: Gate },
): Promise<OtlpAnswer> {
  const refusal = gate.admitBytes(sender, body.length);
  if (refusal !== undefined) return turnedAway(refusal);
  const readOwn = () => {
    const request = read(body);
    if (sender.job !== undefined) assertOwnSpans(request, sender.job);
    return request;
  };
  try {
    return answerTo(await ingest.store(readOwn, reservation));
  } catch (error) {
    if (error instanceof MalformedRequest) return malformed(error.message);
    if (!(error instanceof ForeignSpans)) throw error;
    gate.count("foreign-trace");
    return forbidden(error.message);
  }
}
