import { createBuiltinFunctions } from "../builtin/builtins.ts";
import { cancelledBy } from "../cancellation.ts";
import {
  type BuiltinReference,
  describeReference,
  type GitReference,
  type OciReference,
} from "../definition/reference.ts";
import { FunctionError, toFunctionError } from "../function-error.ts";
import { defaultFetchLimits, FetchMeter, fetchFailure } from "./fetch-limits.ts";
import { FunctionCache } from "./function-cache.ts";
import type { FunctionSources, FunctionSourcesOptions, LoadedFunction, LookupContext } from "./function-sources.ts";
import { fetchGitTree } from "./git/git-source.ts";
import { createDispatchers } from "./oci/dispatcher.ts";
import { fetchOciTree } from "./oci/oci-source.ts";
import { machinePlatform } from "./oci/platform.ts";
import { DefinitionLoader } from "./path-source.ts";

/** Finds, fetches and reads functions of all kinds, with one cache (ci-functions.md §2). */
export function createFunctionSources(options: FunctionSourcesOptions): FunctionSources {
  const limits = { ...defaultFetchLimits, ...options.limits };
  const cache = new FunctionCache(options.cacheDir);
  const plainHttp = (registry: string) =>
    isLoopback(registry) || (options.plainHttpRegistries ?? []).includes(registry);
  const dispatcherFor = createDispatchers();
  const builtins = createBuiltinFunctions({ plainHttp, dispatcherFor });
  const definitions = new DefinitionLoader();
  const git = { cache, limits, program: options.gitProgram ?? "git" };
  const oci = { cache, plainHttp, dispatcherFor, platform: options.platform ?? machinePlatform() };

  const fetchTree = async (reference: GitReference | OciReference, context: LookupContext): Promise<FetchedTree> => {
    const meter = new FetchMeter(limits);
    if (reference.kind === "oci") {
      const tree = await fetchOciTree(oci, reference, context, meter);
      return { ...tree, bytes: meter.downloadedBytes };
    }
    const tree = await fetchGitTree(git, reference, context);
    return { directory: tree.directory, digest: tree.commit, bytes: tree.downloadedBytes, cacheHit: tree.cacheHit };
  };

  const loadBuiltin = ({ name }: BuiltinReference): LoadedFunction => {
    const builtin = builtins.get(name);
    if (builtin !== undefined) return { kind: "builtin", builtin };
    const known = ["script", ...builtins.keys()].join(", ");
    throw new FunctionError(`built-in function "${name}" was not found (there are ${known})`, {
      code: "function_not_found",
    });
  };

  return {
    async load(reference, context) {
      if (reference.kind === "builtin") return loadBuiltin(reference);
      const shown = describeReference(reference, "").name;
      if (reference.kind === "path") {
        const found = await definitions.load(context.callerDir, reference, shown);
        return { kind: "files", digest: undefined, ...found };
      }
      const tree = await observedFetch(reference, context, limits.timeoutMs, fetchTree);
      const found = await definitions.load(tree.directory, reference, shown);
      return { kind: "files", digest: tree.digest, ...found };
    },
  };
}

interface FetchedTree {
  readonly directory: string;
  readonly digest: string;
  readonly bytes: number;
  readonly cacheHit: boolean;
}

/** Fetches within the time limit, and tells the observer how it went. */
async function observedFetch(
  reference: GitReference | OciReference,
  context: LookupContext,
  timeoutMs: number,
  fetchTree: (reference: GitReference | OciReference, context: LookupContext) => Promise<FetchedTree>,
): Promise<FetchedTree> {
  const { name, version } = describeReference(reference, "");
  const observation = context.fetchStarted({ kind: reference.kind, location: name, version });
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const tree = await fetchTree(reference, { ...context, signal: AbortSignal.any([context.signal, timeout]) });
    observation.ended({ bytes: tree.bytes, cacheHit: tree.cacheHit, digest: tree.digest, error: undefined });
    return tree;
  } catch (thrown) {
    const error = fetchError(thrown, context.signal, timeout, timeoutMs).within(`cannot fetch ${name}@${version}: `);
    observation.ended({ bytes: 0, cacheHit: false, digest: undefined, error: error.message });
    throw error;
  }
}

function fetchError(thrown: unknown, job: AbortSignal, timeout: AbortSignal, timeoutMs: number): FunctionError {
  if (job.aborted) return cancelledBy(job);
  return timeout.aborted ? fetchFailure(`not done after ${timeoutMs} ms`, thrown) : toFunctionError(thrown);
}

/** `localhost:5000`, `127.0.0.1:5000`, `[::1]:5000` */
function isLoopback(registry: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(registry);
}
