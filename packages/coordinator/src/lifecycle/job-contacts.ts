/** When each running job's runner was last heard of; not stored, since a restart gives every runner a new chance. */
export class JobContacts {
  readonly #lastMs = new Map<number, number>();

  touch(jobId: number, nowMs: number): void {
    this.#lastMs.set(jobId, nowMs);
  }

  forget(jobId: number): void {
    this.#lastMs.delete(jobId);
  }

  /** A job never heard of counts from now on. */
  silentForMs(jobId: number, nowMs: number): number {
    const last = this.#lastMs.get(jobId);
    if (last !== undefined) return nowMs - last;
    this.#lastMs.set(jobId, nowMs);
    return 0;
  }
}
