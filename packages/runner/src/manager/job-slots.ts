/** One running job's numbers, given back when it ends. */
export interface JobSlot extends Disposable {
  /** `CI_CONCURRENT_ID`: lowest free number among running jobs of the same runner token. */
  readonly concurrentId: number;
  /** `CI_CONCURRENT_PROJECT_ID`: lowest free number among those that are also of the same project. */
  readonly concurrentProjectId: number;
}

/** Gives each running job the numbers that its directories are made of. Rule: runner-protocol.md §3.3. */
export class JobSlots {
  readonly #taken = new Map<string, Set<number>>();

  take(runnerToken: string, projectId: number): JobSlot {
    const runnerKey = runnerToken;
    const projectKey = `${runnerToken} ${projectId}`;
    const concurrentId = this.#takeLowest(runnerKey);
    const concurrentProjectId = this.#takeLowest(projectKey);
    return {
      concurrentId,
      concurrentProjectId,
      [Symbol.dispose]: () => {
        this.#giveBack(runnerKey, concurrentId);
        this.#giveBack(projectKey, concurrentProjectId);
      },
    };
  }

  #takeLowest(key: string): number {
    const taken = this.#taken.get(key) ?? new Set();
    this.#taken.set(key, taken);
    let lowest = 0;
    while (taken.has(lowest)) lowest += 1;
    taken.add(lowest);
    return lowest;
  }

  #giveBack(key: string, number: number): void {
    const taken = this.#taken.get(key);
    taken?.delete(number);
    if (taken?.size === 0) this.#taken.delete(key);
  }
}
