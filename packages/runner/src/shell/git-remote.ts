/** Where git fetches from, and which addresses it replaces by ones with credentials. */
export interface GitRemote {
  /** What goes to `.git/config`: never with credentials. */
  readonly url: string;
  /** `<scheme>://<host>`; `undefined` when the repository is not reached through a network. */
  readonly host: string | undefined;
  /** `url.<actual>.insteadOf <written>` pairs of the external configuration, without duplicates. */
  readonly rewrites: readonly { readonly actual: string; readonly written: string }[];
}

export interface GitRemoteInput {
  /** `git_info.repo_url` */
  readonly repositoryUrl: string;
  /** `clone_url` of the runner's configuration. */
  readonly cloneUrl: string | undefined;
  /** `url` of the runner's configuration. */
  readonly runnerUrl: string;
  readonly jobToken: string;
  /** `CI_PROJECT_PATH` */
  readonly projectPath: string;
  /** `GIT_SUBMODULE_FORCE_HTTPS` */
  readonly forcesHttps: boolean;
  /** `CI_SERVER_SHELL_SSH_HOST`, else `CI_SERVER_HOST`. */
  readonly sshHost: string;
  /** `CI_SERVER_SHELL_SSH_PORT`; empty: 22. */
  readonly sshPort: string;
  /** `FF_GIT_URLS_WITHOUT_TOKENS` */
  readonly isTokenless: boolean;
}

/** Rule: runner-protocol.md §3.5.1. */
export function gitRemoteOf(input: GitRemoteInput): GitRemote {
  const remote = remoteUrlOf(input);
  if (remote === undefined) return { url: input.repositoryUrl, host: undefined, rewrites: [] };
  const url = withoutCredentials(remote);
  const pairs = [{ actual: remote.href, written: url }, ...baseRewrites(input)];
  const isNetwork = ["http:", "https:", "ssh:"].includes(remote.protocol) && remote.host !== "";
  return {
    url,
    host: isNetwork ? `${remote.protocol}//${remote.host}` : undefined,
    rewrites: withoutDuplicates(pairs.filter((pair) => pair.actual !== pair.written)),
  };
}

/** With credentials unless tokenless. `undefined` when the repository has no URL but a path or an scp-like address. */
function remoteUrlOf(input: GitRemoteInput): URL | undefined {
  const clone = input.cloneUrl === undefined ? null : URL.parse(input.cloneUrl);
  if (clone !== null) {
    clone.pathname = `${clone.pathname.replace(/\/+$/, "")}/${input.projectPath}.git`;
    return authenticated(clone, input);
  }
  const repository = URL.parse(input.repositoryUrl);
  if (repository === null) return undefined;
  return input.isTokenless ? authenticated(repository, input) : repository;
}

function authenticated(url: URL, input: GitRemoteInput): URL {
  const copy = new URL(url);
  if (copy.protocol === "ssh:") {
    if (copy.username === "") copy.username = "git";
    return copy;
  }
  copy.username = input.isTokenless ? "" : "gitlab-ci-token";
  copy.password = input.isTokenless ? "" : input.jobToken;
  return copy;
}

/** For submodules and other projects on the same server. */
function baseRewrites(input: GitRemoteInput): { actual: string; written: string }[] {
  const base = URL.parse(input.cloneUrl ?? input.runnerUrl) ?? URL.parse(input.runnerUrl);
  if (base === null || !isHttp(base)) return [];
  const actual = trimmed(authenticated(base, input));
  const rewrites = input.isTokenless ? [] : [{ actual, written: trimmed(withoutUser(base)) }];
  rewrites.push(...sshRewrites(actual, input));
  const repository = URL.parse(input.repositoryUrl);
  if (repository === null || !isHttp(repository) || input.isTokenless) return rewrites;
  repository.pathname = "";
  rewrites.push({
    actual: trimmed(authenticated(withoutUser(repository), input)),
    written: trimmed(withoutUser(repository)),
  });
  return rewrites;
}

function sshRewrites(base: string, input: GitRemoteInput): { actual: string; written: string }[] {
  if (!input.forcesHttps || input.sshHost === "") return [];
  if (input.sshPort !== "" && input.sshPort !== "22") {
    return [{ actual: base, written: `ssh://git@${input.sshHost}:${input.sshPort}` }];
  }
  return [
    { actual: `${base}/`, written: `git@${input.sshHost}:` },
    { actual: base, written: `ssh://git@${input.sshHost}` },
  ];
}

function withoutDuplicates(pairs: { actual: string; written: string }[]): { actual: string; written: string }[] {
  const seen = new Map(pairs.map((pair) => [`${pair.actual}\n${pair.written}`, pair]));
  return [...seen.values()];
}

function withoutUser(url: URL): URL {
  const copy = new URL(url);
  copy.username = "";
  copy.password = "";
  return copy;
}

/** ssh keeps its user: it is no secret, and the address does not work without it. */
function withoutCredentials(url: URL): string {
  if (url.protocol !== "ssh:") return withoutUser(url).href;
  const copy = new URL(url);
  copy.password = "";
  return copy.href;
}

function isHttp(url: URL): boolean {
  return url.protocol === "http:" || url.protocol === "https:";
}

function trimmed(url: URL): string {
  return url.href.replace(/\/+$/, "");
}
