/** The `GIT_*` settings of a job, parsed. Rule and defaults: runner-protocol.md §3.2. */
export interface GitSettings {
  readonly strategy: "fetch" | "clone" | "none" | "empty";
  /** `GIT_CHECKOUT`; ignored for `none` and `empty`. */
  readonly checksOut: boolean;
  /** `GIT_CLEAN_FLAGS`; empty: nothing is cleaned. */
  readonly cleanFlags: readonly string[];
  /** `GIT_FETCH_EXTRA_FLAGS` */
  readonly fetchFlags: readonly string[];
  /** `GIT_CLONE_EXTRA_FLAGS`, for native clones only. */
  readonly cloneFlags: readonly string[];
  readonly submodules: SubmoduleSettings | undefined;
  /** `GIT_LFS_SKIP_SMUDGE`: the user wants no LFS objects. */
  readonly skipsLfs: boolean;
}

/** `undefined` in `GitSettings` when the strategy is `none`. */
export interface SubmoduleSettings {
  readonly isRecursive: boolean;
  /** `GIT_SUBMODULE_PATHS`; empty: all. */
  readonly paths: readonly string[];
  /** `GIT_SUBMODULE_DEPTH`; 0: full history. */
  readonly depth: number;
  /** `GIT_SUBMODULE_UPDATE_FLAGS` */
  readonly updateFlags: readonly string[];
}
