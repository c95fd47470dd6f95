/**
 * One link of the chain that masks a job log. A stage passes on what is decided and keeps what is not.
 *
 * `masked` stands for a secret that an earlier stage has removed: no later stage may search inside the replacement, and
 * nothing matches across it.
 */
export interface MaskStage {
  bytes(chunk: Buffer): void;
  masked(): void;
  /** No more bytes come: pass on what is kept, then end the next stage. The stage is fresh afterwards. */
  end(): void;
}

/** Joins what a stage kept from the last chunk with the next one; without a copy when nothing was kept. */
export function joinKept(kept: Buffer, chunk: Buffer): Buffer {
  return kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
}

export const nothingKept: Buffer = Buffer.alloc(0);
