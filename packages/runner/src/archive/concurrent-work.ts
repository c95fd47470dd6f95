/** Work that is done beside each other, so many at once. */
export interface ConcurrentWork {
  /** Begins when there is room. @throws what any of the work threw. */
  add(job: () => Promise<void>): Promise<void>;
  /** Waits for all. @throws what any of the work threw. */
  finish(): Promise<void>;
}

/** @param limit how much is done at once. Disposal waits for what has begun, whatever comes of it. */
export function startConcurrentWork(limit: number): ConcurrentWork & AsyncDisposable {
  const running = new Set<Promise<void>>();
  return {
    async add(job) {
      while (running.size >= limit) await Promise.race(running);
      const done = job();
      running.add(done);
      // A failure stays until somebody hears of it.
      done.then(
        () => running.delete(done),
        () => undefined,
      );
    },
    async finish() {
      await Promise.all(running);
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(running);
    },
  };
}
