import { availableParallelism } from "node:os";
import { readOwnWaitedCpu } from "./proc-files.ts";
import { lookAtTree } from "./process-tree.ts";
import { TreeUsage } from "./tree-usage.ts";

/** What a stage's processes used. What could not be seen is undefined, never guessed. */
export interface ResourceUsage {
  /** User and system time of all processes, in seconds; to 10 ms, the kernel's unit. For `ci.stage.cpu_time_s`. */
  readonly cpuTimeS: number | undefined;
  /** Most memory that was resident at once. For `ci.stage.memory_peak_bytes`. */
  readonly memoryPeakBytes: number | undefined;
}

/** Measures one tree of processes until it is told to stop. */
export interface ProcessTreeMeter {
  /** Looks at the tree now, beside the looks that happen by themselves. */
  look(): void;
  /** To be called when the process has ended; safe to call twice. Never throws. */
  stop(): ResourceUsage;
}

const unknownUsage: ResourceUsage = { cpuTimeS: undefined, memoryPeakBytes: undefined };
const unmeasured: ProcessTreeMeter = { look() {}, stop: () => unknownUsage };

/** The first look; each next one after twice the time, so that a short stage is seen and a long one not bothered. */
const firstLookMs = 25;
const longestPauseMs = 1_000;
/** A look of 1 ms is followed by a pause of at least 100 ms: measuring takes at most 1 % of one core. */
const pauseFactor = 100;
/** The kernel counts in 10 ms. */
const tickS = 0.01;

/**
 * Measures CPU time and memory of a process and all below it, on Linux, by looking at /proc now and then. On other systems
 * nothing is measured. The job's processes are not touched, and the timer keeps no process alive.
 *
 * What it sees. CPU time is exact to 10 ms when this process started `pid` and waits for it, and no other child of ours
 * ends between the last look and `stop`: the kernel then says what the whole tree used. Otherwise it is what the last look
 * saw, up to a second old. Memory is the highest sum of resident sizes that a look found, or the highest size of one
 * process if that is more; memory shared by processes counts for each of them.
 *
 * What it cannot see: a peak of several processes between two looks; the memory of a stage that is over before the first
 * look (25 ms); a daemon that left the tree before any look; what other machines or a Docker daemon do for the job.
 *
 * @param pid the process that was just spawned.
 */
export function measureProcessTree(pid: number): ProcessTreeMeter {
  return process.platform === "linux" ? new LinuxMeter(pid) : unmeasured;
}

class LinuxMeter implements ProcessTreeMeter {
  readonly #pid: number;
  readonly #usage = new TreeUsage();
  #ownWaitedCpuS = readOwnWaitedCpu();
  #lastLookMs = performance.now();
  #pauseMs = firstLookMs;
  #timer: NodeJS.Timeout | undefined;
  #result: ResourceUsage | undefined;

  constructor(pid: number) {
    this.#pid = pid;
    this.#lookLater();
  }

  look(): void {
    if (this.#result !== undefined) return;
    const beganMs = performance.now();
    this.#usage.add(lookAtTree(this.#pid, this.#usage.tree));
    this.#ownWaitedCpuS = readOwnWaitedCpu();
    this.#lastLookMs = performance.now();
    const tookMs = this.#lastLookMs - beganMs;
    this.#pauseMs = Math.max(Math.min(this.#pauseMs * 2, longestPauseMs), tookMs * pauseFactor);
  }

  stop(): ResourceUsage {
    clearTimeout(this.#timer);
    this.#result ??= { cpuTimeS: this.#cpuTimeS(), memoryPeakBytes: this.#usage.peakBytes || undefined };
    return this.#result;
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => {
      this.look();
      this.#lookLater();
    }, this.#pauseMs);
    this.#timer.unref();
  }

  /**
   * What our children that ended since the last look used, if that can be the tree: it is no less than the tree had used
   * then, and no more than all processors together can have added since. Else what the last look saw.
   */
  #cpuTimeS(): number | undefined {
    const seenS = this.#usage.cpuS;
    const waitedS = readOwnWaitedCpu();
    if (waitedS === undefined || this.#ownWaitedCpuS === undefined) return undefined;
    const endedS = waitedS - this.#ownWaitedCpuS;
    const sinceLookS = (performance.now() - this.#lastLookMs) / 1000;
    const mostS = seenS + sinceLookS * availableParallelism() + 2 * tickS;
    const cpuS = endedS >= seenS && endedS <= mostS ? endedS : seenS;
    return Math.round(cpuS * 100) / 100;
  }
}
