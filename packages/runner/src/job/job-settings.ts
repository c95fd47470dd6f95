import { parseGoBoolean } from "../config/go-boolean.ts";
import type { GitSettings, SubmoduleSettings } from "../shell/git-settings.ts";

/** What a job's variables set about how it is run. Rule and defaults: runner-protocol.md §3.2. */
export interface JobSettings {
  readonly isDebugTrace: boolean;
  /** `GIT_CLONE_PATH`; empty when not set. */
  readonly clonePath: string;
  readonly git: GitSettings;
  /** Why `get_sources` cannot be done as the variables want it: the text after `Job failed:`. */
  readonly sourcesFailure: string | undefined;
  /** `GIT_SUBMODULE_FORCE_HTTPS` */
  readonly forcesHttpsForSubmodules: boolean;
  readonly getSourcesAttempts: number;
  readonly restoreCacheAttempts: number;
  readonly artifactDownloadAttempts: number;
  readonly secretsRetrievalAttempts: number;
  /** `EXECUTOR_JOB_SECTION_ATTEMPTS` */
  readonly sectionAttempts: number;
  /** `CI_DEBUG_SERVICES` */
  readonly showsServiceLogs: boolean;
  /** `CACHE_REQUEST_TIMEOUT` (minutes), here in ms. */
  readonly cacheRequestTimeoutMs: number;
  /** `AFTER_SCRIPT_IGNORE_ERRORS` */
  /** `RUNNER_GENERATE_ARTIFACTS_METADATA`. Default: false. Rule: runner-protocol.md §3.8. */
  readonly addsArtifactProvenance: boolean;
  readonly ignoresAfterScriptErrors: boolean;
  /** One sentence for each value that could not be used. */
  readonly problems: readonly string[];
}

export interface SettingsInput {
  /** Expanded value of a variable; empty when there is none. */
  readonly valueOf: (name: string) => string;
  readonly allowsGitFetch: boolean;
  /** `git_info.depth` */
  readonly depth: number;
  /** `debug_trace_disabled` of the runner's configuration. */
  readonly debugTraceDisabled: boolean;
}

export function readJobSettings(input: SettingsInput): JobSettings {
  const problems: string[] = [];
  const read = input.valueOf;

  function flag(name: string, fallback: boolean): boolean {
    const text = read(name);
    if (text === "") return fallback;
    const value = parseGoBoolean(text);
    if (value === undefined) problems.push(`${name}: expected bool got "${text}", using default value: ${fallback}`);
    return value ?? fallback;
  }

  function integer(name: string, fallback: number): number {
    const text = read(name);
    if (text === "") return fallback;
    if (/^[+-]?\d+$/.test(text)) return Number(text);
    problems.push(`${name}: expected int got "${text}", using default value: ${fallback}`);
    return fallback;
  }

  function attempts(name: string): number {
    const wanted = integer(name, 1);
    const clamped = Math.min(10, Math.max(1, wanted));
    if (clamped !== wanted) {
      problems.push(`${name}: number of attempts out of the range [1, 10], clamping to: ${clamped}`);
    }
    return clamped;
  }

  function words(name: string, fallback: readonly string[]): readonly string[] {
    const text = read(name);
    if (text === "") return fallback;
    return text === "none" ? [] : splitWords(text);
  }

  function gitStrategy(): GitSettings["strategy"] {
    const fallback = input.allowsGitFetch ? "fetch" : "clone";
    const text = read("GIT_STRATEGY");
    if (text === "clone" || text === "fetch" || text === "none" || text === "empty") return text;
    if (text !== "") {
      problems.push(
        `GIT_STRATEGY: expected either 'clone', 'fetch', 'none' or 'empty' got "${text}", using default value '${fallback}'`,
      );
    }
    return fallback;
  }

  function submoduleStrategy(): "none" | "normal" | "recursive" | "invalid" {
    const text = read("GIT_SUBMODULE_STRATEGY");
    if (text === "" || text === "none") return "none";
    if (text === "normal" || text === "recursive") return text;
    problems.push(`GIT_SUBMODULE_STRATEGY: expected either 'normal', 'recursive' or 'none' got "${text}"`);
    return "invalid";
  }

  function debugTrace(): boolean {
    const isWanted = flag("CI_DEBUG_TRACE", false);
    if (isWanted && input.debugTraceDisabled) problems.push("CI_DEBUG_TRACE: usage is disabled on this Runner");
    return isWanted && !input.debugTraceDisabled;
  }

  function sourcesFailure(paths: readonly string[]): string | undefined {
    if (strategy === "none" || strategy === "empty" || submodules === "none") return undefined;
    if (submodules === "invalid") return "unknown GIT_SUBMODULE_STRATEGY";
    // Alone it would leave out everything, and nothing would say so.
    return paths.includes(":(exclude)") ? 'GIT_SUBMODULE_PATHS: ":(exclude)" needs a path right behind it' : undefined;
  }

  const strategy = gitStrategy();
  const submodules = submoduleStrategy();
  const submoduleSettings: SubmoduleSettings = {
    isRecursive: submodules === "recursive",
    paths: splitWords(read("GIT_SUBMODULE_PATHS")),
    depth: integer("GIT_SUBMODULE_DEPTH", input.depth),
    updateFlags: words("GIT_SUBMODULE_UPDATE_FLAGS", []),
  };
  return {
    isDebugTrace: debugTrace(),
    clonePath: read("GIT_CLONE_PATH"),
    git: {
      strategy,
      checksOut: flag("GIT_CHECKOUT", true),
      cleanFlags: words("GIT_CLEAN_FLAGS", ["-ffdx"]),
      fetchFlags: words("GIT_FETCH_EXTRA_FLAGS", ["--prune", "--quiet"]),
      cloneFlags: words("GIT_CLONE_EXTRA_FLAGS", []),
      submodules: submodules === "normal" || submodules === "recursive" ? submoduleSettings : undefined,
      skipsLfs: flag("GIT_LFS_SKIP_SMUDGE", false),
    },
    sourcesFailure: sourcesFailure(submoduleSettings.paths),
    forcesHttpsForSubmodules: flag("GIT_SUBMODULE_FORCE_HTTPS", false),
    getSourcesAttempts: attempts("GET_SOURCES_ATTEMPTS"),
    restoreCacheAttempts: attempts("RESTORE_CACHE_ATTEMPTS"),
    artifactDownloadAttempts: attempts("ARTIFACT_DOWNLOAD_ATTEMPTS"),
    secretsRetrievalAttempts: attempts("SECRETS_RETRIEVAL_ATTEMPTS"),
    sectionAttempts: attempts("EXECUTOR_JOB_SECTION_ATTEMPTS"),
    showsServiceLogs: flag("CI_DEBUG_SERVICES", false),
    cacheRequestTimeoutMs: (Math.max(0, integer("CACHE_REQUEST_TIMEOUT", 0)) || 10) * 60_000,
    addsArtifactProvenance: flag("RUNNER_GENERATE_ARTIFACTS_METADATA", false),
    ignoresAfterScriptErrors: flag("AFTER_SCRIPT_IGNORE_ERRORS", true),
    problems,
  };
}

function splitWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
