/** What happens when a store needs the session of a role, for metrics (runner-protocol.md §6.11). */
export type RoleEvent =
  /** There was one that is good for long enough. */
  | { readonly kind: "found" }
  /** One is asked for, after waiting so long for its turn. */
  | { readonly kind: "asked"; readonly waitedS: number }
  | { readonly kind: "answered"; readonly tookS: number; readonly isFailure: boolean }
  /** Sessions that are kept: so many more, or less. */
  | { readonly kind: "kept"; readonly change: number };
