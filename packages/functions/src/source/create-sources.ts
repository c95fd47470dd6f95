import { join, relative, resolve, sep } from "node:path";
import { createBuiltinFunctions } from "../builtin/builtins.ts";
import { cancelledBy } from "../cancellation.ts";
import {
  type BuiltinReference,
  type DefinitionLocation,
  describeReference,
  type GitReference,
  type OciReference,
} from "../definition/reference.ts";
import { FunctionError, toFunctionError } from "../function-error.ts";
import { createLocalFiles } from "../run/local-files.ts";
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
  const localFiles = createLocalFiles();
  const git = { cache, limits, program: options.gitProgram ?? "git" };
  const oci = { cache, plainHttp, dispatcherFor };
  const ownPlatform = options.platform ?? machinePlatform();

  const fetchTree = async (reference: GitReference | OciReference, context: LookupContext): Promise<FetchedTree> => {
    const meter = new FetchMeter(limits);
    if (reference.kind === "oci") {
      const platform = context.host.foreign?.platform ?? ownPlatform;
      const { directory, digest, cacheHit } = await fetchOciTree({ ...oci, platform }, reference, context, meter);
      const provided = await context.host.files.provide(directory);
      return { directory, provided, digest, cacheHit, bytes: meter.downloadedBytes };
    }
    const env = context.host.foreign === undefined ? context.env : foreignGitEnvironment(options, context.env);
    const { directory, commit, ...tree } = await fetchGitTree(git, reference, { ...context, env });
    const provided = await context.host.files.provide(directory);
    return { directory, provided, digest: commit, cacheHit: tree.cacheHit, bytes: tree.downloadedBytes };
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
        const found = await definitions.load(context.host.files, context.callerDir, reference, shown);
        return { kind: "files", digest: undefined, ...found };
      }
      const tree = await observedFetch(reference, context, limits.timeoutMs, fetchTree);
      refuseOutside(tree.directory, reference);
      const { directory, file } = await definitions.load(localFiles, tree.directory, reference, shown);
      const provided = join(tree.provided, relative(tree.directory, directory));
      return { kind: "files", digest: tree.digest, directory: provided, file };
    },
  };
}

/** The cache holds what others' credentials fetched: a function's location must not lead there. */
function refuseOutside(root: string, { directory, file = "" }: DefinitionLocation): void {
  const target = resolve(root, directory, file);
  if (target === root || target.startsWith(root + sep)) return;
  throw new FunctionError(`${join(directory, file)} leads out of the function's files`, { code: "invalid_reference" });
}

const proxyVariables = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];

/** What leads to programs and to trusted servers. No `HOME`: the logins kept there are the engine's. */
const engineVariables = [
  ...["PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"],
  ...proxyVariables,
  ...proxyVariables.map((name) => name.toUpperCase()),
];

/** What a job in a container sets is not for programs of this machine: `PATH`, `LD_PRELOAD`, Git's own. Proxies are. */
function foreignGitEnvironment(
  { environment = {} }: FunctionSourcesOptions,
  jobEnvironment: Readonly<Record<string, string>>,
): Record<string, string> {
  const own = Object.entries(environment).filter(([name]) => engineVariables.includes(name));
  const proxies = Object.entries(jobEnvironment).filter(([name]) => proxyVariables.includes(name.toLowerCase()));
  return Object.fromEntries([...own, ...proxies].filter((entry): entry is [string, string] => entry[1] !== undefined));
}

interface FetchedTree {
  /** In the cache. */
  readonly directory: string;
  /** Where commands see it. */
  readonly provided: string;
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
