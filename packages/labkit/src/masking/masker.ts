/**
 * Masks text that is about to leave the process: span names, attributes, events and the fields of the runner log.
 *
 * It finds every phrase as it is, percent-encoded and inside base64, and beside the rules of the job log also credentials
 * in URLs and the values of authentication headers. Rule: telemetry.md §5.
 */
export interface Masker {
  /** The text with every secret replaced by `[MASKED]`. */
  mask(text: string): string;
  /** How many secrets were replaced so far. */
  readonly maskedCount: number;
  /**
   * Adds phrases for as long as the returned object is not disposed of: a job's secrets in the runner log's masker.
   * Phrases added twice stay until both are gone.
   */
  add(phrases: readonly string[]): Disposable;
}
