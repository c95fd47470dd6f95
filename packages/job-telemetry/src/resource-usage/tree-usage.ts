import type { ProcessTree } from "./process-tree.ts";

/**
 * Adds up what a tree of processes uses, from one look at it to the next.
 *
 * CPU time: that of the living, with that of their children that they waited for. Who waits gets the time of who ended, so
 * only orphans are lost that way; theirs is kept as it was last seen. Memory: the highest sum of resident sizes that was
 * seen, or the highest size that one process ever had, whichever is more.
 */
export class TreeUsage {
  #cpuS = 0;
  #orphansCpuS = 0;
  #peakBytes = 0;
  #tree: ProcessTree = new Map();

  /** Seconds of CPU time up to the last look. */
  get cpuS(): number {
    return this.#cpuS;
  }

  /** 0 before anything was seen. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** The tree at the last look. */
  get tree(): ProcessTree {
    return this.#tree;
  }

  add(tree: ProcessTree): void {
    this.#keepOrphansThatEnded(tree);
    let cpuS = this.#orphansCpuS;
    let residentBytes = 0;
    for (const reading of tree.values()) {
      cpuS += reading.ownCpuS + reading.waitedCpuS;
      residentBytes += reading.residentBytes;
      this.#peakBytes = Math.max(this.#peakBytes, reading.peakResidentBytes);
    }
    this.#peakBytes = Math.max(this.#peakBytes, residentBytes);
    // Between two looks time can only be added; a sum that is less has missed a process on its way to its parent.
    this.#cpuS = Math.max(this.#cpuS, cpuS);
    this.#tree = tree;
  }

  /** An orphan is waited for by init, so what it used is told to nobody here. */
  #keepOrphansThatEnded(tree: ProcessTree): void {
    const isRoot = (parentPid: number) => parentPid === process.pid;
    for (const reading of this.#tree.values()) {
      const isOrphan = !this.#tree.has(reading.parentPid) && !isRoot(reading.parentPid);
      if (isOrphan && !tree.has(reading.pid)) this.#orphansCpuS += reading.ownCpuS + reading.waitedCpuS;
    }
  }
}
