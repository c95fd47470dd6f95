/**
 * Masks the byte stream of a job log. Independent of how the bytes are cut into chunks.
 *
 * Rule: runner-protocol.md §2.9: phrases, then URL parameters, then token prefixes, across chunk borders.
 */
export interface LogMasker {
  /** Takes the next bytes and gives what is safe to pass on: a beginning of a secret is held back until it is decided. */
  write(chunk: Uint8Array): Uint8Array;
  /** The end of the stream: gives what was held back. The masker is fresh afterwards. */
  end(): Uint8Array;
  /** How many secrets were replaced so far. */
  readonly maskedCount: number;
}
