import type { StartInContainer } from "./container-process.ts";

export interface ContainerProcessesOptions {
  readonly start: StartInContainer;
  /** Path in the container of a static busybox; nothing else is asked of the image. */
  readonly busybox: string;
  /** Directory in the container for files of functions; its user may write there. */
  readonly directory: string;
  /** Between SIGTERM and SIGKILL. Default 5,000 (ci-functions.md §5.2). */
  readonly graceMs?: number;
  /** Directory of this machine for copies of what built-in functions read. Default: the system's. */
  readonly tempDir?: string;
}
