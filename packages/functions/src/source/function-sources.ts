import type { BuiltinFunction } from "../builtin/builtin-function.ts";
import type { FunctionFile } from "../definition/function-file.ts";
import type { BuiltinReference, GitReference, OciReference, PathReference } from "../definition/reference.ts";
import type { FetchObservation, FetchStart } from "../run/observer.ts";
import type { ProcessHost } from "../run/process-host.ts";

export interface FunctionSourcesOptions {
  /** Directory of fetched functions, absolute, made when missing; may be shared by processes and jobs at once. */
  readonly cacheDir: string;
  /** Bounds for what a server may send. */
  readonly limits?: Partial<FetchLimits>;
  /** Registry hosts (`host:port`) spoken to over plain HTTP. Loopback addresses always are. Default: none. */
  readonly plainHttpRegistries?: readonly string[];
  /** Platform to choose OCI images for, when commands run on this machine. Default: the machine's. */
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  /**
   * The engine's environment, from which `git` gets its paths, authorities and proxies for jobs whose commands run in a
   * container: what such a job sets must not reach a program of this machine, but for proxies, nor does the job get logins
   * of the engine's user. Default: none.
   */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Program for Git. Default `git`, searched on the engine's `PATH`. */
  readonly gitProgram?: string;
}

export interface FetchLimits {
  /** Bytes that come over the network for one function. Default 512 MiB. */
  readonly maxDownloadBytes: number;
  /** Bytes a function may have on disk. Default 2 GiB. */
  readonly maxExtractedBytes: number;
  /** Files and directories a function may have. Default 100,000. */
  readonly maxEntries: number;
  /** Time for one fetch. Default 10 minutes. */
  readonly timeoutMs: number;
}

/** What surrounds the step whose function is looked for. */
export interface LookupContext {
  /** Directory that relative paths start from: the caller's function directory (ci-functions.md §2.2). */
  readonly callerDir: string;
  /** Where the function will run: paths are looked up in its files, fetched functions are provided to it. */
  readonly host: ProcessHost;
  /** The step's environment; `DOCKER_AUTH_CONFIG`, proxies and Git's settings are read from it (§2.5). */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly fetchStarted: (start: FetchStart) => FetchObservation;
}

/** A function that is here and read. */
export type LoadedFunction =
  | {
      readonly kind: "files";
      /** Absolute directory of the definition file where commands run: `func_dir`. */
      readonly directory: string;
      readonly file: FunctionFile;
      /** Commit id or manifest digest; undefined for a path. */
      readonly digest: string | undefined;
    }
  | { readonly kind: "builtin"; readonly builtin: BuiltinFunction };

/** Finds, fetches and reads functions. Safe to use by many jobs at once. */
export interface FunctionSources {
  /** @throws {FunctionError} `function_not_found`, `fetch_failed`, `invalid_definition` or `cancelled`. */
  load(
    reference: PathReference | GitReference | OciReference | BuiltinReference,
    context: LookupContext,
  ): Promise<LoadedFunction>;
}
