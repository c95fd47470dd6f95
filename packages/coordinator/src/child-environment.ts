/** Environment of a child process; a missing key is an unset variable. */
export type ChildEnvironment = Readonly<Record<string, string>>;

/**
 * The environment that `git` and the expansion run in: the given one without what would redirect git (a hook of the
 * user's sets `GIT_DIR` and `GIT_INDEX_FILE`) or bring settings of `gitlab-ci-local`.
 *
 * @param source default: this process's own environment.
 */
export function childEnvironment(source?: Readonly<Record<string, string | undefined>>): ChildEnvironment {
  // biome-ignore lint/style/noProcessEnv: the documented default of CoordinatorOptions.environment; read once, at start
  const given = source ?? process.env;
  const kept = Object.entries(given).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !/^(GIT_|GCL_)/.test(entry[0]),
  );
  return { ...Object.fromEntries(kept), GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C.UTF-8" };
}
