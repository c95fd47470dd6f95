/**
 * The stored job log as its uploader sees it: masked, valid UTF-8, append-only.
 *
 * `byteLength` and `crc32()` agree with each other within one synchronous step.
 */
export interface JobLogSource {
  /** Bytes stored so far. */
  readonly byteLength: number;
  /** CRC-32 (IEEE) over all bytes stored so far, as 8 lower-case hex digits. */
  crc32(): string;
  /**
   * Bytes from `offset` on, at most `maxBytes` of them; empty at the end. Any earlier offset may be read again
   * (runner-protocol.md §1.10: a 412 asks for the whole log).
   */
  read(offset: number, maxBytes: number): Promise<Uint8Array>;
}
