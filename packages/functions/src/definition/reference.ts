/**
 * Where a function is, as written (ci-functions.md §2). Strings may hold expressions only in `dynamic` and in the
 * expanded forms; they are evaluated when the step's turn comes.
 */
export type FunctionReference =
  | PathReference
  | GitReference
  | OciReference
  | BuiltinReference
  | { readonly kind: "dynamic"; readonly template: string }
  | { readonly kind: "script" };

/** A directory, and a file name when one was given; without it `func.yml`, then `step.yml` (§2.3). */
export interface DefinitionLocation {
  /** Slash separated; relative (`""` = here) or, for paths only, absolute. */
  readonly directory: string;
  readonly file: string | undefined;
}

export interface PathReference extends DefinitionLocation {
  readonly kind: "path";
  readonly written: string;
}

export interface GitReference extends DefinitionLocation {
  readonly kind: "git";
  /** With scheme; may carry user and password, which go nowhere but to the server. */
  readonly url: string;
  readonly revision: string;
}

export interface OciReference extends DefinitionLocation {
  readonly kind: "oci";
  /** Host, with port when one was given. */
  readonly registry: string;
  readonly repository: string;
  /** Tag, or `sha256:…` digest. */
  readonly version: string;
}

export interface BuiltinReference {
  readonly kind: "builtin";
  /** As in `builtin://function/oci/build` after the slashes. */
  readonly name: string;
}
