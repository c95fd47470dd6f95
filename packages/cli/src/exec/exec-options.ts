import type { VariableInput } from "@jobscope/coordinator";
import type { DataDir } from "../data-dir.ts";
import type { CollectorProcess } from "../local-ci/collector-process.ts";

/** What `jobscope exec` was asked to do, flags checked. */
export interface ExecOptions {
  /** A folder inside the git work tree. */
  readonly repository: string;
  /** Names of jobs; none: all that the rules choose. */
  readonly jobs: readonly string[];
  /** Address of the coordinator, `HOST:PORT`. */
  readonly listen: string;
  /** Runners from outside run the jobs; none is started here. */
  readonly awaitsRunners: boolean;
  /** Where jobs with an image run: in containers, or in a shell of this machine as though they named none. */
  readonly executor: "auto" | "shell";
  /** Jobs at once. */
  readonly concurrent: number;
  readonly variables: readonly VariableInput[];
  readonly dataDir: string;
  /** URLs of further endpoints for all spans, and header fields for their requests, as they were given. */
  readonly otlpEndpoints: readonly string[];
  readonly otlpHeaders: readonly string[];
  /** Whether the spans also go to the embedded collector. */
  readonly isStored: boolean;
  /** File for the pipeline's spans as OTLP JSON. */
  readonly out: string | undefined;
  /** Lines instead of a waterfall that is redrawn. */
  readonly isPlain: boolean;
  readonly isDebug: boolean;
}

/** The data directory is there, the collector on its way. */
export interface PreparedOptions extends Omit<ExecOptions, "dataDir"> {
  readonly dataDir: DataDir;
  /** `undefined`: the spans are not kept here. Whoever started it ends it. */
  readonly collector: Promise<CollectorProcess> | undefined;
}
